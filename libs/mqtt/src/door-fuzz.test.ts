import { randomFrom } from '@trivium/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as any from './testing/arbitraries.ts';
import { connect, PINGREQ } from './testing/client-packets.ts';
import { doorUnderTest, turn } from './testing/door-under-test.ts';
import type { FakeTransport } from './testing/fake-transport.ts';
import { mutate } from './testing/mutation.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_122);
const CLIENTS = Number(process.env['FUZZ_CLIENTS'] ?? 1_500);

test(`clients that send nonsense, seed ${SEED}: each ends or is served, others are undisturbed, nothing stays behind`, async () => {
  const random = randomFrom(SEED);
  const { accept, client, door, bus, delivery, clock } = doorUnderTest({ maxPacketBytes: 4_096 });
  const good = await client({ clientId: 'good' });
  const seeds = fc.sample(fc.oneof(any.later(4), any.later(3), any.connect(4)), { seed: SEED, numRuns: 300 });
  const open: FakeTransport[] = [];

  for (let n = 0; n < CLIENTS; n++) {
    const transport = accept();
    open.push(transport);
    const packets = Array.from({ length: random(6) }, () => {
      const bytes = seeds[random(seeds.length)]!;
      return random(2) === 0 ? bytes : mutate(bytes, random);
    });
    const hello = connect({ clientId: `f${random(50)}` });
    const stream = Buffer.concat([random(10) === 0 ? mutate(hello, random) : hello, ...packets]);
    for (let at = 0; at < stream.length;) {
      const end = Math.min(stream.length, at + 1 + random(40));
      void transport.send(stream.subarray(at, end));
      at = end;
      if (random(4) === 0) await turn();
    }
    if (random(3) === 0) bus.storeAll();
    if (random(50) === 0) {
      await good.send(PINGREQ);
      expect(good.taken()).toBe('d000');
    }
  }
  await turn();
  bus.storeAll();
  for (const transport of open) transport.destroy();
  clock.pass(10_000);
  await turn();
  bus.storeAll();
  expect(good.ended).toBe(false);
  expect(door.stats).toMatchObject({ connections: 1, sessions: 1, openPublishes: 0 });
  expect(door.stats.closed).not.toHaveProperty('defect');
  expect(Object.keys(door.stats.closed)).toEqual(
    expect.arrayContaining(['protocol.malformed', 'protocol.error', 'client.gone']),
  );
  expect([...bus.records.keys()]).toEqual(['good']);
  expect(delivery.attachments.every(({ detached }) => detached)).toBe(true);
});
