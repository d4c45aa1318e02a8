import type { BusMessage } from '@trivium/bus';
import { encodeJson } from '@trivium/contracts';
import { expect, test, vi } from 'vitest';
import { SessionOwners, type Owner } from './session-owners.ts';
import { TakeoverNotice } from './session-record.ts';
import { FakeBus } from './testing/fake-bus.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { turn } from './testing/door-under-test.ts';

/** The owners of one door; doors given the same records stand on the same bucket. */
function door(incarnation: string, records?: FakeBus['records']) {
  const bus = new FakeBus(incarnation);
  if (records !== undefined) Object.assign(bus, { records });
  const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const clock = new FakeClock();
  const owners = new SessionOwners({ bus: bus.bus, logger, clock, ttlSeconds: 60, takeoverTimeoutMs: 100 });
  const notify = (client: string, connection: string) => {
    const data = encodeJson(TakeoverNotice, { v: 1, do: 'takeover', connection });
    return bus.served.get(`tv1.c.${incarnation}.>`)!({
      subject: `tv1.c.${incarnation}.${client}`,
      data,
    } as BusMessage);
  };
  return { bus, owners, clock, notify };
}

function owner(id: string): Owner & { log: string[] } {
  const log: string[] = [];
  return {
    id,
    log,
    claimed: () => void log.push('claimed'),
    takenOver: () => void log.push('taken over'),
    claimFailed: (code) => void log.push(code),
  };
}

const record = (bus: FakeBus) =>
  JSON.parse(Buffer.from([...bus.records.values()][0]!.value).toString()) as object;

test('[MQTT-3.1.4-2] a claim at another door tells the former one, and waits until its connection is closed', async () => {
  const a = door('A');
  const b = door('B', a.bus.records);
  b.bus.revision = 100;
  const [first, second] = [owner('a-1'), owner('b-1')];
  a.owners.take('x', first);
  await turn();
  let answered!: () => void;
  b.bus.answer = (subject) => {
    expect(subject).toBe('tv1.c.A.x');
    void a.notify('x', 'a-1');
    return new Promise((resolve) => (answered = () => resolve({} as BusMessage)));
  };
  b.owners.take('x', second);
  await turn();
  expect([first.log, second.log]).toEqual([['claimed', 'taken over'], []]);
  answered();
  await turn();
  expect(second.log).toEqual(['claimed']);
  expect(record(b.bus)).toMatchObject({ door: 'B', epoch: 2, connection: 'b-1' });
  // The former owner leaves, late: the record is not its any more.
  a.owners.leave('x', first);
  await turn();
  expect(a.bus.records.size).toBe(1);
});

test('a former door that does not answer is not waited for', async () => {
  const a = door('A');
  const b = door('B', a.bus.records);
  b.bus.revision = 100;
  a.owners.take('x', owner('a-1'));
  await turn();
  const second = owner('b-1');
  b.owners.take('x', second);
  await turn();
  expect(second.log).toEqual(['claimed']);
});

test('a notice for an earlier connection does not touch a later one', async () => {
  const { owners, notify } = door('A');
  const first = owner('a-1');
  owners.take('x', first);
  await turn();
  void notify('x', 'a-0');
  expect(first.log).toEqual(['claimed']);
  void notify('y', 'a-1');
  expect(first.log).toEqual(['claimed']);
  void notify('x', 'a-1');
  expect(first.log).toEqual(['claimed', 'taken over']);
});

test('a notice that is none is refused', () => {
  const { bus } = door('A');
  const serve = bus.served.get('tv1.c.A.>')!;
  expect(() => serve({ subject: 'tv1.c.A.x', data: Buffer.from('{}') } as unknown as BusMessage)).toThrow();
});

test('a record is renewed while its connection lives; one that somebody else has ends it', async () => {
  const { bus, owners, clock } = door('A');
  const first = owner('a-1');
  owners.take('x', first);
  await turn();
  const { revision } = bus.records.get('x')!;
  clock.pass(19_000);
  expect(bus.records.get('x')!.revision).toBe(revision);
  clock.pass(1_000);
  await turn();
  const renewed = bus.records.get('x')!;
  expect(renewed.revision).toBeGreaterThan(revision);
  bus.records.set('x', { ...renewed, revision: 999 });
  clock.pass(20_000);
  await turn();
  expect(first.log).toEqual(['claimed', 'taken over']);
  owners.leave('x', first);
  await turn();
  expect(bus.records.get('x')).toMatchObject({ revision: 999 });
});

test('a renewal that could not be made is made later', async () => {
  const { bus, owners, clock } = door('A');
  const first = owner('a-1');
  owners.take('x', first);
  await turn();
  const { revision } = bus.records.get('x')!;
  bus.up = false;
  clock.pass(20_000);
  await turn();
  bus.up = true;
  clock.pass(1_000);
  await turn();
  expect(bus.records.get('x')!.revision).toBeGreaterThan(revision);
  expect(first.log).toEqual(['claimed']);
});

test('after a renewal the next connection of this door replaces the record at once', async () => {
  const { bus, owners, clock } = door('A');
  const [first, second] = [owner('a-1'), owner('a-2')];
  owners.take('x', first);
  await turn();
  clock.pass(20_000);
  await turn();
  const get = vi.spyOn(bus.records, 'get');
  owners.take('x', second);
  await turn();
  expect([first.log, second.log]).toEqual([['claimed', 'taken over'], ['claimed']]);
  expect(get).toHaveBeenCalledTimes(1); // the compare of the write; nothing was read first
});

test('who leaves while it is being claimed leaves no record, also in a crowd', async () => {
  const { bus, owners } = door('A');
  const crowd = Array.from({ length: 5 }, (_, i) => owner(`a-${i}`));
  for (const one of crowd) owners.take('x', one);
  owners.leave('x', crowd[4]!);
  await turn();
  expect(bus.records.size).toBe(0);
  expect(crowd.map(({ log }) => log)).toEqual([...Array<string[]>(4).fill(['taken over']), []]);
});

test('a record that nobody can read is replaced', async () => {
  const { bus, owners } = door('A');
  bus.records.set('x', { value: Buffer.from('nonsense'), revision: 5 });
  bus.revision = 5;
  const first = owner('a-1');
  owners.take('x', first);
  await turn();
  expect(first.log).toEqual(['claimed']);
  expect(record(bus)).toMatchObject({ epoch: 1 });
});

test('without the bus the claim fails as retryable', async () => {
  const { bus, owners } = door('A');
  bus.up = false;
  const first = owner('a-1');
  owners.take('x', first);
  await turn();
  expect(first.log).toEqual(['bus.unavailable']);
});
