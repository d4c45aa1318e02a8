import { encodeHeaders } from '../src/headers.ts';
import { messageSubject, parseMessageSubject } from '../src/message-subject.ts';
import { encodeToken } from '../src/token.ts';
import { matches, parseFilter } from '../src/topic-filter.ts';
import { tokensToTopic, topicToTokens } from '../src/topic-tokens.ts';
import { parseTopic } from '../src/topic.ts';
import type { Result } from '../src/result.ts';

/** Operations a second of the hot path, best of the rounds, as JSON. `node bench/subjects.bench.ts [ms per round]` */

const roundMs = Number(process.argv[2] ?? 100);
const ROUNDS = 3;
const DISTINCT = 1024;

const value = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};
/** As it comes from a socket: one flat string, not the parts it was put together from. */
const received = (text: string): string => JSON.parse(JSON.stringify(text)) as string;
const list = <T>(make: (i: number) => T): T[] => Array.from({ length: DISTINCT }, (_, i) => make(i));

const plain = list((i) => value(parseTopic(received(`plant/line-${i % 16}/device-${i}/telemetry`))));
const escaped = list((i) => value(parseTopic(received(`plant/v1.2/device ${i}//50%/*`))));
const subjects = plain.map((topic, i) => received(messageSubject(1, `client-${i}`, topicToTokens(topic))));
const plainTokens = subjects.map((subject) => parseMessageSubject(subject)!.tokens);
const escapedTokens = escaped.map((topic) => received(topicToTokens(topic)));
const ids = list((i) => received(`client-${i}`));
const oddIds = list((i) => received(`client.${i}/x`));
const filters = ['plant/+/+/telemetry', 'plant/#', '+/line-3/#', 'plant/line-1/device-1/telemetry'].map(
  (raw) => value(parseFilter(raw)),
);
const traced = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
const rich = {
  contentType: 'application/json',
  responseTopic: 'reply/to/me',
  correlationData: new Uint8Array(16),
  userProperties: [['unit', '°C']] as [string, string][],
};

let sink = 0;

function opsPerSecond(op: (i: number) => number): number {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    let done = 0;
    let elapsed = 0;
    do {
      for (let i = 0; i < DISTINCT; i++) sink += op(i);
      done += DISTINCT;
      elapsed = performance.now() - begin;
    } while (elapsed < roundMs);
    best = Math.max(best, (done * 1000) / elapsed);
  }
  return Math.round(best);
}

const results = {
  parseTopic: opsPerSecond((i) => (parseTopic(plain[i]!).ok ? 1 : 0)),
  topicToTokens: opsPerSecond((i) => topicToTokens(plain[i]!).length),
  topicToTokensEscaped: opsPerSecond((i) => topicToTokens(escaped[i]!).length),
  tokensToTopic: opsPerSecond((i) => tokensToTopic(plainTokens[i]!)!.length),
  tokensToTopicEscaped: opsPerSecond((i) => tokensToTopic(escapedTokens[i]!)!.length),
  encodeToken: opsPerSecond((i) => encodeToken(ids[i]!).length),
  encodeTokenEscaped: opsPerSecond((i) => encodeToken(oddIds[i]!).length),
  parseMessageSubject: opsPerSecond((i) => parseMessageSubject(subjects[i]!)!.tokens.length),
  matches: opsPerSecond((i) => (matches(filters[i & 3]!, plain[i]!) ? 1 : 0)),
  encodeHeadersTraced: opsPerSecond(() => encodeHeaders({ properties: traced })!.length),
  encodeHeadersRich: opsPerSecond(() => encodeHeaders({ properties: rich })!.length),
};

console.log(
  JSON.stringify(
    { bench: 'contracts/subjects', unit: 'ops/s', node: process.version, results, sink: sink > 0 },
    null,
    2,
  ),
);
