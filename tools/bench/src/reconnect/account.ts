import { Track } from '../generator/track.ts';

/** What came in one round. All but `expected` and `delivered` should be 0. */
export interface RoundCounts {
  expected: number;
  delivered: number;
  lost: number;
  repeated: number;
  reordered: number;
  /** Of a former round, and not seen in it. */
  overdue: number;
  /** Of another session, or never sent. */
  misrouted: number;
  /** Packets that make no sense. */
  malformed: number;
}

interface Seen {
  readonly track: Track;
  /** Messages of this round. */
  delivered: number;
}

/** What each session is sent, exactly: round after round it is owed so many more messages, numbered on from those before. */
export class Account {
  readonly #sessions = new Map<number, Seen>();
  #from = 0;
  #sent = 0;
  #counts = { delivered: 0, repeated: 0, reordered: 0, overdue: 0, misrouted: 0 };
  malformed = 0;

  /** `sessions`: numbers of those that are owed messages. */
  constructor(sessions: Iterable<number>) {
    for (const session of sessions) this.#sessions.set(session, { track: new Track(), delivered: 0 });
  }

  /** Begins a round. Returns the number of its first message. */
  owe(messages: number): number {
    this.#from = this.#sent;
    this.#sent += messages;
    this.#counts = { delivered: 0, repeated: 0, reordered: 0, overdue: 0, misrouted: 0 };
    this.malformed = 0;
    for (const seen of this.#sessions.values()) seen.delivered = 0;
    return this.#from;
  }

  get expected(): number {
    return this.#sessions.size * (this.#sent - this.#from);
  }

  get isComplete(): boolean {
    return this.#counts.delivered === this.expected;
  }

  /** `session` was sent message `sequence` of the topic of session `source`. True when that was its last one of the round. */
  see(session: number, source: number, sequence: number): boolean {
    const counts = this.#counts;
    const seen = this.#sessions.get(session);
    if (seen === undefined || source !== session || sequence >= this.#sent) {
      counts.misrouted++;
      return false;
    }
    const sighting = seen.track.see(sequence);
    if (sighting === 'duplicate') {
      counts.repeated++;
      return false;
    }
    if (sequence < this.#from) {
      counts.overdue++;
      return false;
    }
    if (sighting === 'late') counts.reordered++;
    counts.delivered++;
    return ++seen.delivered === this.#sent - this.#from;
  }

  counts(): RoundCounts {
    const { expected, malformed } = this;
    return { expected, lost: expected - this.#counts.delivered, ...this.#counts, malformed };
  }
}
