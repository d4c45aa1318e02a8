import { expect, test } from 'vitest';
import { encodeHeaders, messageSubject, parseTopic, publisherName, topicToTokens } from './index.ts';

test('the example of the README does what it says', () => {
  const topic = parseTopic('plant/v1.2/température');
  if (!topic.ok) throw new Error(topic.error.message);
  const { token, header } = publisherName('sensor-7');
  expect(messageSubject(1, token, topicToTokens(topic.value))).toBe(
    'tv1.m.1.sensor-7.plant.v1%2E2.température',
  );
  expect(encodeHeaders({ client: header })).toBeUndefined();
});
