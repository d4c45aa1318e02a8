import { contractLetterSubject, decodeLetter, type ViolationPolicy } from '@trivium/contracts';
import { storeContract } from '@trivium/message-contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, startDoor, type DoorUnderTest } from './door-under-test.ts';

let nats: NatsServer;
let door: DoorUnderTest;
beforeAll(async () => {
  nats = await startNats();
  door = await startDoor(nats.url, { enforcing: true });
  for (const policy of ['reject', 'tag', 'dead-letter'] as const) await store(policy);
  await waitFor(async () => {
    await using client = await connect(door.url);
    const [answer] = await refusals(client, [{ topic: 'dead-letter/ready', payload: 'x', qos: 1 }]);
    return answer?.['op'] === 'ok' && answer['pos'] === undefined;
  });
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await nats.stop();
});

function store(policy: ViolationPolicy): Promise<void> {
  return storeContract(door.bus.bucket('contracts'), {
    ...{ v: 1, name: policy, filter: `${policy}/#`, onViolation: policy, contentType: 'application/json' },
    schema: { type: 'object', properties: { value: { type: 'number' } } },
  });
}

async function refusals(
  client: Awaited<ReturnType<typeof connect>>,
  messages: readonly object[],
): Promise<Record<string, unknown>[]> {
  return Promise.all(messages.map((message) => client.ask({ op: 'pub', ...message })));
}

const MESSAGE = 'contract reject: /value must be number';

describe.each([0, 1])('trivium.v1, QoS %i', (qos) => {
  test.each(['reject', 'tag', 'dead-letter'] as const)('%s', async (policy) => {
    await using client = await connect(`${door.url}/?clientId=page-${qos}`);
    const topic = `${policy}/${qos}`;
    await client.ask({ op: 'sub', filters: [{ filter: topic, qos: 1 }] });
    const before = door.door.stats.publishesRefused;
    const [bad, good] = await refusals(client, [
      { topic, payload: { value: 'x' }, qos },
      { topic, payload: { value: 1 }, qos, contentType: 'application/json' },
    ]);
    expect(good).toMatchObject({ op: 'ok' });
    if (policy === 'reject')
      expect(bad).toMatchObject({ op: 'err', code: 'contract.violated', message: MESSAGE });
    else expect(bad).toMatchObject({ op: 'ok' });
    expect(bad?.['pos'] !== undefined).toBe(policy === 'tag' && qos === 1);
    expect(door.door.stats.publishesRefused - before).toBe(policy === 'reject' ? 1 : 0);

    await client.seen({ contentType: 'application/json' });
    const messages = client.frames.filter(({ op }) => op === 'msg');
    expect(messages.map(({ properties }) => properties)).toEqual(
      policy === 'tag' ? [{ userProperties: [['tv-contract-violation', 'tag']] }, undefined] : [undefined],
    );
    if (policy !== 'dead-letter') return;
    const letter = await waitFor(async () => {
      const found = await door.bus.readLast('DEADLETTER', contractLetterSubject(policy));
      return found?.headers?.get('Tv-Tp') === topic ? found : undefined;
    });
    const get = (name: string): string | undefined => letter.headers?.get(name);
    expect([Buffer.from(letter.data).toString(), get('Tv-Cl'), get('Tv-Q')]).toEqual([
      '{"value":"x"}',
      `page-${qos}`,
      String(qos),
    ]);
    expect(decodeLetter(get)?.reason).toBe('contract dead-letter: /value must be number');
  });
});

test('the content type counts where the message says one', async () => {
  await using client = await connect(door.url);
  const [text] = await refusals(client, [
    { topic: 'reject/a', payload: { value: 1 }, contentType: 'text/plain', qos: 1 },
  ]);
  expect(text).toMatchObject({ op: 'err', code: 'contract.violated' });
  expect(text?.['message']).toContain('text/plain, not application/json');
});

test('a retained message that is put aside replaces nothing, and an empty one clears', async () => {
  await using client = await connect(door.url);
  const send = (payload: unknown) =>
    client.ask({ op: 'pub', topic: 'dead-letter/kept', payload, qos: 1, retain: true });
  await send({ value: 1 });
  const kept = await door.bus.readLast('RETAINED', 'tv1.r.dead-letter.kept');
  expect(await send({ value: 'x' })).not.toHaveProperty('pos');
  expect((await door.bus.readLast('RETAINED', 'tv1.r.dead-letter.kept'))?.headers?.get('Tv-Pos')).toBe(
    kept?.headers?.get('Tv-Pos'),
  );
  expect(await send('')).toMatchObject({ op: 'ok', pos: expect.any(Number) });
});
