import { DEFAULT_TOPIC_LIMITS } from '@trivium/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { topicOfUrl } from './topic-of-url.ts';

const read = (url: string): unknown => {
  const topic = topicOfUrl(url, '/topics/', DEFAULT_TOPIC_LIMITS);
  return topic.ok ? topic.value : topic.error.code;
};

test('every topic comes through, with its slashes raw or encoded, whatever follows it', () => {
  const level = fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => text.replaceAll(/[+#/\0]/g, ''));
  const levels = fc.array(level, { minLength: 1, maxLength: 6 }).filter((all) => all.join('/') !== '');
  fc.assert(
    fc.property(
      levels,
      fc.constantFrom('', '?qos=1', '?a=/b%', '#x'),
      fc.boolean(),
      (all, tail, absolute) => {
        const encoded = all.map(encodeURIComponent);
        const base = absolute ? 'https://hub.example:8443/topics/' : '/topics/';
        expect(read(base + encoded.join('/') + tail)).toBe(all.join('/'));
        expect(read(base + encoded.join('%2F') + tail)).toBe(all.join('/'));
      },
    ),
  );
});

test('no path makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (path) => typeof read(`/topics/${path}`) === 'string'),
  );
});

test.each(['%', '%f', '%gg', '%FF', '%C3', '%ED%A0%80'])('%s is not percent-encoded UTF-8', (path) => {
  expect(read(`/topics/${path}`)).toBe('topic.invalid');
});
