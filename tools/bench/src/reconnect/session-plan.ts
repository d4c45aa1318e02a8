/** One in so many sessions has a filter with a wildcard. */
const WILD_EVERY = 7;

/** A persistent session with one QoS 1 subscription that only messages to `topic` match. */
export interface SessionPlan {
  index: number;
  clientId: string;
  topic: string;
  filter: string;
}

export interface SessionPlans {
  all: SessionPlan[];
  /** Those that are sent messages and come back, spread evenly over all. */
  back: SessionPlan[];
}

export function planSessions(prefix: string, sessions: number, reconnecting: number): SessionPlans {
  const all = Array.from({ length: sessions }, (_, index) => ({
    index,
    clientId: `${prefix}-${index}`,
    topic: `${prefix}/${index}/value`,
    filter: index % WILD_EVERY === 0 ? `${prefix}/${index}/#` : `${prefix}/${index}/value`,
  }));
  const share = (count: number) => Math.floor((count * reconnecting) / sessions);
  return { all, back: all.filter(({ index }) => share(index + 1) > share(index)) };
}
