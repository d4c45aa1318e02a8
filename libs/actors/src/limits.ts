/** Bounds of one process's actors. */
export interface Limits {
  /** Actors kept in memory; the least recently used are put away. Busy ones may exceed it. */
  maxActors: number;
  /** Snapshot writes on their way at a time; as many reads. */
  maxWrites: number;
  /** Above this many messages in memory the logs are not read on, until it is halved. */
  maxPending: number;
  /** A message whose step threw this often becomes a dead letter. */
  maxTries: number;
  /** Between two tries, and between two attempts to reach the bus: from the first, doubling, up to the last. */
  firstRetryMs: number;
  lastRetryMs: number;
  /** How often checkpoints are written when they have moved: what a successor reads again at most. */
  checkpointMs: number;
  /** What is being stepped may take this long to be stored when a partition is handed over. */
  handOverMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxActors: 50_000,
  maxWrites: 256,
  maxPending: 8_192,
  maxTries: 5,
  firstRetryMs: 100,
  lastRetryMs: 5_000,
  checkpointMs: 5_000,
  handOverMs: 2_000,
};
