/** Plain numbers; whoever shows them reads them. */
export interface ActorStats {
  /** Messages of the log that were for a partition held. */
  handled: number;
  /** Of these, those that the snapshot already included. */
  skipped: number;
  /** Messages in memory: waiting, or stepped and not yet stored. */
  pending: number;
  snapshotReads: number;
  snapshotWrites: number;
  /** Writes refused because the revision had moved. */
  snapshotRefused: number;
  /** Writes with unknown outcome. */
  snapshotUnknown: number;
  /** Steps that threw. */
  failedSteps: number;
  /** Messages given up and stored as dead letters. */
  poisoned: number;
  effects: number;
  effectsFailed: number;
  requests: number;
  /** Actors put away to stay within the bound. */
  putAway: number;
  /** Gaps in the log: messages dropped by retention before they were read. */
  gaps: number;
}

export function createActorStats(): ActorStats {
  return {
    handled: 0,
    skipped: 0,
    pending: 0,
    snapshotReads: 0,
    snapshotWrites: 0,
    snapshotRefused: 0,
    snapshotUnknown: 0,
    failedSteps: 0,
    poisoned: 0,
    effects: 0,
    effectsFailed: 0,
    requests: 0,
    putAway: 0,
    gaps: 0,
  };
}
