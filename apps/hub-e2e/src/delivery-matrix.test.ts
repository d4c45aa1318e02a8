import { randomBytes } from 'node:crypto';
import { waitFor } from '@trivium/testing';
import { describe, expect, inject, it } from 'vitest';
import type { Received, Sent, TestQoS } from './clients/client.ts';
import { PUBLISHING, SUBSCRIBING } from './doors.ts';

const hub = inject('hub');
const QOS: readonly TestQoS[] = [0, 1];

/** Payloads that a careless door would change: empty, text, every byte value, JSON, larger than a chunk. */
const PAYLOADS: readonly Uint8Array[] = [
  new Uint8Array(0),
  Buffer.from('grüße 😀'),
  Uint8Array.from({ length: 256 }, (_, byte) => byte),
  Buffer.from('{"a": [1, 2.50, null]}'),
  randomBytes(100_000),
];

/** Sent last and with QoS 1: when it has come, everything before it on the same path has. */
const END = Buffer.from('end');

let run = 0;

describe.each(SUBSCRIBING)('to $name', (to) => {
  describe.each(PUBLISHING)('from $name', (from) => {
    for (const granted of QOS.filter((qos) => to.qos.includes(qos))) {
      for (const published of QOS.filter((qos) => from.qos.includes(qos))) {
        it(`QoS ${published} to a subscription of QoS ${granted}: every message once, bytes untouched`, async () => {
          const root = `matrix/${process.pid}/${++run}`;
          await using subscriber = await to.subscribe(hub, `${root}/+`, granted);
          await using overlap = await to.subscribe(hub, `${root}/#`, granted);
          const payloads = from.textOnly ? PAYLOADS.filter(isText) : PAYLOADS;
          const sent: Sent[] = payloads.map((payload, i) => ({
            topic: `${root}/m${i}`,
            payload,
            qos: published,
          }));
          await from.publish(hub, [...sent, { topic: `${root}/end`, payload: END, qos: published }]);
          for (const one of [subscriber, overlap]) {
            await waitFor(() => one.received.length >= sent.length + 1, {
              message: () =>
                `${sent.length + 1} messages; came: ${JSON.stringify(one.received.map(({ topic }) => topic))}`,
            });
            const expected = [
              ...sent.map(({ topic, payload }) => [topic, hex(payload)]),
              [`${root}/end`, hex(END)],
            ];
            expect(one.received.map(({ topic, payload }) => [topic, hex(payload)])).toEqual(expected);
            expect(qosOf(one.received)).toEqual([Math.min(published, granted)]);
          }
        });
      }
    }
  });
});

const isText = (payload: Uint8Array): boolean => Buffer.from(Buffer.from(payload).toString()).equals(payload);

const hex = (payload: Uint8Array): string => Buffer.from(payload).toString('hex');

function qosOf(received: readonly Received[]): (number | undefined)[] {
  return [...new Set(received.map(({ qos }) => qos))];
}
