import { filterToTokens } from './topic-tokens.ts';
import { encodeToken } from './token.ts';
import type { QoS } from './message.ts';
import type { TopicFilter } from './topic-filter.ts';

/** Client token of publishers that have no id, or whose id the hub assigned. */
export const NO_CLIENT = '-';

/** How a publisher is named on the bus. */
export interface PublisherName {
  /** For the subject. */
  readonly token: string;
  /** For `Tv-Cl` (`encodeHeaders({ client })`), when the token does not say it. */
  readonly header: string | undefined;
}

/**
 * The subject token of a client id; `-` without one. The id `-` has this token too: the subject then says nothing and the id goes
 * into `Tv-Cl`. `publisherName` decides both.
 */
export function clientToken(id: string | undefined): string {
  return id === undefined ? NO_CLIENT : encodeToken(id);
}

/** Token and header of a publisher; compute it once per connection. `assigned`: the hub made the id up, so it would only fill the index of subjects. */
export function publisherName(id: string | undefined, assigned = false): PublisherName {
  const token = assigned ? NO_CLIENT : clientToken(id);
  return { token, header: token === NO_CLIENT ? id : undefined };
}

/** The subject that a message is published on: `tv1.m.<q>.<client>.<topic…>`, from `clientToken` (or `publisherName`) and `topicToTokens`. */
export function messageSubject(qos: QoS, clientToken: string, tokens: string): string {
  return `tv1.m.${qos}.${clientToken}.${tokens}`;
}

export interface MessageSubject {
  readonly qos: QoS;
  readonly clientToken: string;
  /** For `tokensToTopic`. */
  readonly tokens: string;
}

const CLIENT_AT = 8;

/**
 * The parts of `tv1.m.<q>.<client>.<topic…>`, or of the same under `tv1.s.` (republished by the stream). `undefined` for any other
 * subject. The tokens are not decoded.
 */
export function parseMessageSubject(subject: string): MessageSubject | undefined {
  if (!subject.startsWith('tv1.m.') && !subject.startsWith('tv1.s.')) return undefined;
  const qos = subject.charCodeAt(6) - 0x30;
  if ((qos !== 0 && qos !== 1 && qos !== 2) || subject.charCodeAt(7) !== 0x2e) return undefined;
  const end = subject.indexOf('.', CLIENT_AT);
  if (end <= CLIENT_AT || end + 1 === subject.length) return undefined;
  return { qos, clientToken: subject.slice(CLIENT_AT, end), tokens: subject.slice(end + 1) };
}

/**
 * The core subjects to subscribe to for a filter: messages of every QoS, or only those published with QoS 0 (the log brings the
 * others). As with `filterToTokens`, the `$` rule is for the receiver.
 */
export function liveSubjects(filter: TopicFilter, which: 'all' | 'qos0'): string[] {
  const prefix = which === 'all' ? 'tv1.m.*.*.' : 'tv1.m.0.*.';
  return filterToTokens(filter).map((tokens) => prefix + tokens);
}

/** The subjects of the messages in the log for a filter: what the consumer of a shared subscription takes. The `$` rule is for the receiver. */
export function logSubjects(filter: TopicFilter): string[] {
  return filterToTokens(filter).map((tokens) => `tv1.m.*.*.${tokens}`);
}
