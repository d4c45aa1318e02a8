import { parseTopic, refuse, type Result, type Topic, type TopicLimits } from '@trivium/contracts';

/** Scheme and authority of a request target in absolute form [RFC9112-3.2.2]. */
const AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i;

/**
 * The topic in a request target `<prefix><topic>`: everything after the prefix up to the query, decoded once, so that slashes may be
 * raw or `%2F`, and empty levels (`//`, at the beginning and at the end) stay.
 */
export function topicOfUrl(url: string, prefix: string, limits: TopicLimits): Result<Topic> {
  const target = url.startsWith('/') ? url : url.replace(AUTHORITY, '');
  const end = target.search(/[?#]/);
  const raw = target.slice(prefix.length, end === -1 ? undefined : end);
  let topic: string;
  try {
    topic = decodeURIComponent(raw);
  } catch {
    return refuse('topic.invalid', 'the topic in the path is not percent-encoded UTF-8');
  }
  return parseTopic(topic, limits);
}
