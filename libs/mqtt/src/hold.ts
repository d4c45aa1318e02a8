/** Why a connection does not serve what its client sends: bits, since there may be several reasons at once. */
export const HOLD = {
  /** A packet is being worked on that later ones must wait for. */
  busy: 1,
  /** As many messages wait to be stored as one client may have. */
  intake: 2,
  /** The bus takes bytes more slowly than they come. */
  pressed: 4,
  /** The door is closing. */
  drain: 8,
  /** The client publishes faster than it may. */
  rate: 16,
} as const;

export type Hold = (typeof HOLD)[keyof typeof HOLD];
