import { decodeToken, EMPTY_TOKEN, encodeToken, SAFE } from './token.ts';
import type { TopicFilter } from './topic-filter.ts';
import type { Topic } from './topic.ts';

const DOT = 0x2e;
const SLASH = 0x2f;
const NOT_IN_A_LEVEL = /[+#/\0]/;

/** The subject tokens of a topic, one per level: `a/b` is `a.b`, `/a` is `%.a`, `v1.2/x` is `v1%2E2.x`. */
export function topicToTokens(topic: Topic): string {
  const length = topic.length;
  let out = '';
  let from = 0;
  for (let i = 0; i < length; i++) {
    const c = topic.charCodeAt(i);
    if (c >= 0x80 || SAFE[c] === 1) continue;
    if (c !== SLASH) return encodeLevels(topic, from, out);
    out += i === from ? '%.' : topic.slice(from, i) + '.';
    from = i + 1;
  }
  return from === length ? out + EMPTY_TOKEN : out + topic.slice(from);
}

/** Goes on at the level that begins at `from`, the first with something to escape. */
function encodeLevels(topic: string, from: number, done: string): string {
  let out = done;
  for (;;) {
    const end = topic.indexOf('/', from);
    if (end === -1) return out + encodeToken(topic.slice(from));
    out += encodeToken(topic.slice(from, end)) + '.';
    from = end + 1;
  }
}

/**
 * The topic of subject tokens; `undefined` for tokens that `topicToTokens` would not have made of a valid topic (a foreign publisher on
 * the bus): skip the message. Limits are not checked here.
 */
export function tokensToTopic(tokens: string): Topic | undefined {
  const length = tokens.length;
  let out = '';
  let from = 0;
  for (let i = 0; i < length; i++) {
    const c = tokens.charCodeAt(i);
    if (c >= 0x80 || SAFE[c] === 1) continue;
    if (c !== DOT) return decodeLevels(tokens, from, out);
    if (i === from) return undefined;
    out += tokens.slice(from, i) + '/';
    from = i + 1;
  }
  return from === length ? undefined : ((out + tokens.slice(from)) as Topic);
}

/** Goes on at the token that begins at `from`, the first with something to decode. */
function decodeLevels(tokens: string, from: number, done: string): Topic | undefined {
  if (tokens === EMPTY_TOKEN) return undefined;
  let out = done;
  for (;;) {
    const end = tokens.indexOf('.', from);
    const level = decodeToken(end === -1 ? tokens.slice(from) : tokens.slice(from, end));
    if (level === undefined || NOT_IN_A_LEVEL.test(level)) return undefined;
    out += level;
    if (end === -1) return out as Topic;
    out += '/';
    from = end + 1;
  }
}

/**
 * The NATS token patterns that together match what `filter` matches: one, or two when it ends in `/#`, whose parent level NATS' `>`
 * leaves out. They also match `$` topics under a leading wildcard: NATS has no such rule, so check each message with `matches`.
 */
export function filterToTokens(filter: TopicFilter): string[] {
  let out = '';
  let from = 0;
  for (;;) {
    const end = filter.indexOf('/', from);
    const level = end === -1 ? filter.slice(from) : filter.slice(from, end);
    if (level === '#') return from === 0 ? ['>'] : [out.slice(0, -1), `${out}>`];
    out += level === '+' ? '*' : encodeToken(level);
    if (end === -1) return [out];
    out += '.';
    from = end + 1;
  }
}
