/** How many connections each principal has here. */
export interface PrincipalGate {
  /** False: it has as many as it may, and this one is not counted. Who is let in must `leave` once. */
  enter(principal: string): boolean;
  leave(principal: string): void;
}

/** `max` 0: no limit, and nothing is kept. */
export function createPrincipalGate({ max }: { max: number }): PrincipalGate {
  const open = new Map<string, number>();
  return {
    enter(principal) {
      if (max === 0) return true;
      const before = open.get(principal) ?? 0;
      if (before >= max) return false;
      open.set(principal, before + 1);
      return true;
    },
    leave(principal) {
      const before = open.get(principal) ?? 0;
      if (before <= 1) open.delete(principal);
      else open.set(principal, before - 1);
    },
  };
}
