import { decodeToken, EMPTY_TOKEN, encodeToken, SAFE } from './token.ts';
import type { TopicFilter } from './topic-filter.ts';
import type { Topic } from './topic.ts';

const DOT = 0x2e;
const SLASH = 0x2f;

/** The subject tokens of a topic, one per level: `a/b` is `a.b`, `/a` is `%.a`, `v1.2/x` is `v1%2E2.x`. */
export function topicToTokens(topic: Topic): string {
  const length = topic.length;
  let previous = SLASH;
  let levels = 0;
  for (let i = 0; i < length; i++) {
    const c = topic.charCodeAt(i);
    if (c === SLASH) {
      if (previous === SLASH) return encodeLevels(topic);
      levels++;
    } else if (c < 0x80 && SAFE[c] === 0) return encodeLevels(topic);
    previous = c;
  }
  if (previous === SLASH) return encodeLevels(topic);
  return levels === 0 ? topic : topic.replaceAll('/', '.');
}

function encodeLevels(topic: string): string {
  let out = '';
  let from = 0;
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
  let previous = DOT;
  let levels = 0;
  for (let i = 0; i < length; i++) {
    const c = tokens.charCodeAt(i);
    if (c === DOT) {
      if (previous === DOT) return undefined;
      levels++;
    } else if (c < 0x80 && SAFE[c] === 0) return decodeLevels(tokens);
    previous = c;
  }
  if (previous === DOT) return undefined;
  return (levels === 0 ? tokens : tokens.replaceAll('.', '/')) as Topic;
}

function decodeLevels(tokens: string): Topic | undefined {
  if (tokens === EMPTY_TOKEN) return undefined;
  let out = '';
  let from = 0;
  for (;;) {
    const end = tokens.indexOf('.', from);
    const level = decodeToken(end === -1 ? tokens.slice(from) : tokens.slice(from, end));
    if (level === undefined || /[+#/\0]/.test(level)) return undefined;
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
