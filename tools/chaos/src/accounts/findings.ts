/** What must not happen, and what the tool calls it. */
export const FINDINGS = {
  lost: 'acknowledged but lost',
  'qos 2 duplicate': 'delivered twice at QoS 2',
  'out of order': 'first delivery out of order',
  unasked: 'delivered without a subscription to it',
  corrupt: 'not what was published',
  'wrong qos': 'delivered at a QoS that the subscriptions do not give',
  'wrong retain flag': 'retain flag where no new subscription is [MQTT3-3.3.1-8, -9]',
  'dup missing': 'repeated without DUP [MQTT3-3.3.1-1]',
  'packet id in use': 'a packet id used again before its exchange ended [MQTT3-2.3.1-2]',
  protocol: 'a packet that does not belong there',
  'subscription gone': 'an acknowledged SUBSCRIBE not in force at the end',
  'granted less': 'SUBACK with less than was asked for',
  'session gone': 'session present 0 for a session that was kept [MQTT3-3.2.2-3]',
  'session invented': 'session present 1 without a session [MQTT3-3.2.2-1, -3]',
  refused: 'CONNECT refused',
  'unexpected end': 'connection ended by the hub without a cause',
  'still open': 'connection not ended after another one took its client id over [MQTT3-3.1.4-2]',
  'not acknowledged': 'publish not acknowledged after everything was back',
  'not back': 'a client or service not back in time',
  'will missing': 'will not published after an end without DISCONNECT',
  'will late': 'will published too late',
  'will twice': 'will published twice',
  'will after disconnect': 'will published although DISCONNECT was taken',
  'will unknown': 'a will that no connection had',
  'retained wrong': 'retained message is not the last one acknowledged, or a later one',
} as const;

export type FindingKind = keyof typeof FINDINGS;

export interface Finding {
  readonly kind: FindingKind;
  readonly text: string;
  /** Time of what it is about, milliseconds since the beginning: says to which kill it is put down. */
  readonly ms: number;
  /** Number of the client in the trace. */
  readonly client?: number;
  readonly stream?: number;
  readonly seq?: number;
}

export interface Findings {
  readonly total: number;
  counts(): Partial<Record<FindingKind, number>>;
  /** The first ones of each kind. */
  readonly examples: readonly Finding[];
  /** Times of all of one kind. */
  timesOf(kind: FindingKind): readonly number[];
  add(finding: Finding): void;
}

const EXAMPLES_OF_A_KIND = 5;

export function createFindings(): Findings {
  const times = new Map<FindingKind, number[]>();
  const examples: Finding[] = [];
  let total = 0;
  return {
    get total() {
      return total;
    },
    counts: () => Object.fromEntries([...times].map(([kind, mine]) => [kind, mine.length])),
    examples,
    timesOf: (kind) => times.get(kind) ?? [],
    add(finding) {
      const mine = times.get(finding.kind) ?? [];
      times.set(finding.kind, mine);
      if (mine.length < EXAMPLES_OF_A_KIND) examples.push(finding);
      mine.push(finding.ms);
      total++;
    },
  };
}
