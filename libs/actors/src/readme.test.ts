import { ConnectedEvent, decodeJson, decodeToken, encodeJson, eventSubject } from '@trivium/contracts';
import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { defineActor, hostActor, startActors } from './index.ts';
import { createFakeClock } from './testing/fake-clock.ts';
import { createFakeNats } from './testing/fake-nats.ts';
import { silent } from './testing/silent.ts';

test('the example of the README does what it says', async () => {
  const visits = defineActor({
    name: 'visits',
    bucket: 'devices',
    log: 'EVENTS',
    schema: Type.Object({ pos: Type.Integer(), count: Type.Integer() }),
    initial: () => ({ pos: 0, count: 0 }),
    address: (subject) =>
      subject.startsWith('tv1.e.connected.') ? decodeToken(subject.slice(16)) : undefined,
    decode: (_subject, data) => decodeJson(ConnectedEvent, data),
    step: (state, event) => ({
      state: { ...state, count: state.count + 1 },
      effects: state.count === 0 ? [{ type: 'welcome', door: event.door }] : [],
    }),
  });

  const clock = createFakeClock();
  const nats = createFakeNats(clock);
  const told: string[] = [];
  const hosted = hostActor(visits, ({ type, door }, { id }) => void told.push(`${type} ${id} at ${door}`));
  const actors = startActors({ bus: nats.connect('r'), logger: silent, actors: [hosted], clock });
  await clock.advance(100);
  for (const connection of ['k1', 'k2']) {
    const event: ConnectedEvent = {
      v: 1,
      client: 'lamp 7',
      connection,
      door: 'd1',
      service: 'mqtt-ingress',
      protocol: 'mqtt5',
      at: 1,
    };
    const json: unknown = JSON.parse(new TextDecoder().decode(encodeJson(ConnectedEvent, event)));
    nats.append('EVENTS', eventSubject('connected', 'lamp 7'), json);
  }
  await clock.advance(10);
  expect(told).toEqual(['welcome lamp 7 at d1']);
  const { value } = nats.bucket('devices').get('visits.lamp%207')!;
  expect(JSON.parse(new TextDecoder().decode(value))).toEqual({ pos: 2, count: 2 });
  const closed = actors.close();
  await clock.advance(3_000);
  await closed;
});
