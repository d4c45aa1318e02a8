/** What this router knows of the placement, and of itself. */
export interface PlacementView {
  /** Owner of each partition by number; undefined: free. */
  readonly owners: readonly (string | undefined)[];
  /** Routers that hold a lease; this one counts whether it is listed or not. */
  readonly members: ReadonlySet<string>;
  readonly self: string;
}

export interface PlacementPlan {
  /** Free partitions to take now, in the order to try them. */
  readonly claim: readonly number[];
  /** Held partitions to hand over now. */
  readonly give: readonly number[];
}

/** The most that one of `routers` may hold, so that all of them together hold everything. */
export function fairShare(partitions: number, routers: number): number {
  return Math.ceil(partitions / Math.max(1, routers));
}

/**
 * Takes what is free up to the fair share, gives what is above it. Nothing is planned for partitions that another router holds:
 * they come free by its own plan or by the end of its lease. Routers begin their claims at different partitions, so that they seldom
 * race for the same one (a race costs a refused write, nothing more).
 */
export function planPlacement({ owners, members, self }: PlacementView): PlacementPlan {
  const routers = members.size + (members.has(self) ? 0 : 1);
  const share = fairShare(owners.length, routers);
  const held: number[] = [];
  const free: number[] = [];
  const rank = [...members, self].filter((member) => member < self).length;
  const first = (rank * share) % Math.max(1, owners.length);
  for (let i = 0; i < owners.length; i++) {
    const partition = (first + i) % owners.length;
    const owner = owners[partition];
    if (owner === self) held.push(partition);
    else if (owner === undefined) free.push(partition);
  }
  return { claim: free.slice(0, Math.max(0, share - held.length)), give: held.slice(share) };
}
