/** Decides when the publishers of a fleet send. */
export interface Driver {
  /** Resolves when it has begun. */
  start(): Promise<void>;
  /** Nothing is sent afterwards. */
  stop(): Promise<void>;
}
