import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repoRoot, startProcess, tempDir, waitFor, type TempDir } from '@trivium/testing';
import { connectAsync, type IPublishPacket } from 'mqtt';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Sent } from './clients/client.ts';
import { connectMqtt } from './clients/mqtt-js.ts';
import { openTrivium } from './clients/trivium-ws.ts';
import { fateOf, POLICIES, type Policy } from './contract-fates.ts';
import { PUBLISHING } from './doors.ts';

const hub = inject('hub');
const TCP = `mqtt://${hub.host}:${hub.mqtt}`;
const ROOT = `contracts-${process.pid}`;

const GOOD = Buffer.from('{"value":1}');
const BAD = Buffer.from('{"value":"x"}');

let dir: TempDir;

/** `npx trivium …`, as an administrator calls it. Resolves to what it printed. */
async function trivium(...words: string[]): Promise<string> {
  const called = await startProcess({
    command: 'npx',
    args: ['trivium', ...words],
    cwd: repoRoot(),
    env: { TRIVIUM_DATA_DIR: hub.dataDir },
  });
  const { code } = await called.exited;
  if (code !== 0) throw new Error(`trivium ${words.join(' ')} ended with ${code}: ${called.output()}`);
  return called.stdout();
}

const contract = (name: string, filter: string, onViolation: Policy): object => ({
  ...{ name: `${ROOT}.${name}`, filter: `${ROOT}/${filter}`, onViolation },
  schema: { type: 'object', required: ['value'], properties: { value: { type: 'number' } } },
});

async function add(...contracts: object[]): Promise<void> {
  const file = join(dir.path, 'contracts.json');
  await writeFile(file, JSON.stringify(contracts));
  await trivium('contracts', 'add', file);
}

const DOORS = ['mqtt', 'mqtt2', 'aedes', 'ws', 'http'] as const;

/** Resolves when each door has seen so many contracts. */
async function known(count: number): Promise<void> {
  await waitFor(
    async () => {
      const texts = await Promise.all(
        DOORS.map(async (door) => (await fetch(`http://${hub.host}:${hub.admin[door]}/metrics`)).text()),
      );
      return texts.every((text) =>
        new RegExp(`^trivium_contracts(\\{[^}]*\\})? ${count}\\b`, 'm').test(text),
      );
    },
    { timeoutMs: 30_000, message: `every door to know ${count} contracts` },
  );
}

beforeAll(async () => {
  dir = await tempDir();
  await add(...POLICIES.map((policy) => contract(policy, `${policy}/#`, policy)));
  await known(POLICIES.length);
});
afterAll(async () => {
  await trivium('contracts', 'remove', ...POLICIES.map((policy) => `${ROOT}.${policy}`));
  await known(0);
  await dir.remove();
});

describe.each(POLICIES)('%s', (policy) => {
  const rows = PUBLISHING.flatMap((from) => from.qos.map((qos) => ({ from, qos })));

  it.each(rows)('at $from.name with QoS $qos', async ({ from, qos }) => {
    const topic = `${ROOT}/${policy}/${PUBLISHING.indexOf(from)}/${qos}`;
    const subscriber = await connectMqtt(TCP, { protocolVersion: 5 });
    const came: IPublishPacket[] = [];
    subscriber.on('message', (_topic, _payload, packet) => came.push(packet));
    await subscriber.subscribeAsync(topic, { qos: 2 });
    const send = (payload: Buffer): Promise<string> => {
      const message: Sent = { topic, payload, qos };
      return from.publish(hub, [message]).then(
        () => 'taken',
        (error: Error) => error.message,
      );
    };
    const outcome = await send(BAD);
    if (fateOf(policy, from, qos) === 'refused') expect(outcome).toMatch(/contract|Payload format invalid/);
    // What is put aside has no position in the log.
    else expect(outcome).toMatch(/^(taken|acknowledged without a position)$/);
    expect(await send(GOOD)).toBe('taken');

    const through = policy === 'tag' ? [BAD, GOOD] : [GOOD];
    await waitFor(() => came.length >= through.length, { timeoutMs: 45_000 });
    expect(came.map(({ payload }) => payload.toString())).toEqual(through.map(String));
    const tags = came.map(({ properties }) => properties?.userProperties?.['tv-contract-violation']);
    expect(tags).toEqual(policy === 'tag' ? [`${ROOT}.tag`, undefined] : [undefined]);
    await subscriber.endAsync();
  });
});

it('contracts come and go under clients that stay connected', async () => {
  const topic = `${ROOT}/later/a`;
  const five = await connectAsync(TCP, { protocolVersion: 5, reconnectPeriod: 0 });
  await using page = await openTrivium(`ws://${hub.host}:${hub.ws}/`);
  const outcomes = async (): Promise<boolean[]> => [
    await five.publishAsync(topic, BAD, { qos: 1 }).then(
      () => true,
      () => false,
    ),
    (await page.ask({ op: 'pub', topic, payload: { value: 'x' }, qos: 1 })).op === 'ok',
    (await fetch(`http://${hub.host}:${hub.http}/topics/${topic}?qos=1`, { method: 'POST', body: BAD })).ok,
  ];
  expect(await outcomes()).toEqual([true, true, true]);
  await add(contract('later', 'later/+', 'reject'));
  await known(POLICIES.length + 1);
  expect(await outcomes()).toEqual([false, false, false]);
  expect(await trivium('contracts', 'list')).toContain(`${ROOT}.later`);
  const described = await fetch(`http://${hub.host}:${hub.http}/asyncapi.json`);
  expect(await described.json()).toMatchObject({
    channels: { [`${ROOT}.later`]: { address: `${ROOT}/later/{level3}` } },
  });
  await trivium('contracts', 'remove', `${ROOT}.later`);
  await known(POLICIES.length);
  expect(await outcomes()).toEqual([true, true, true]);
  expect(five.connected).toBe(true);
  await five.endAsync();
});
