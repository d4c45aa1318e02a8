import { writeAudit } from '@trivium/identity';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call } from '../call.fixture.ts';
import { startHub, type HubUnderTest } from '../hub.fixture.ts';

let hub: HubUnderTest;
beforeAll(async () => {
  hub = await startHub();
  const door = { bus: hub.bus, service: 'mqtt-ingress' };
  await writeAudit(door, {
    ...{ kind: 'sign-in-failed', principal: 'lamp', address: '192.0.2.7', client: 'lamp-1' },
    ...{ detail: 'password: wrong', times: 3 },
  });
  await writeAudit(door, { kind: 'sign-in-failed', principal: 'a.b *\u001b[2J\nx' });
  await hub.done('devices create pump --json');
  await writeAudit(door, { kind: 'command', principal: 'app', object: 'cmd/pump/press' });
});
afterAll(() => hub[Symbol.asyncDispose]());

const kindsOf = (lines: string): string[] =>
  lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { kind: string }).kind);

test('what happened is printed, a line each, in its order; what strangers call themselves moves no cursor', async () => {
  const lines = (await hub.done('audit')).split('\n');
  const time = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ';
  expect(lines).toEqual([
    expect.stringMatching(
      `^${time}  sign-in-failed  lamp +as lamp-1 at mqtt-ingress from 192.0.2.7: password: wrong \\(3 times\\)$`,
    ),
    expect.stringMatching(`^${time}  sign-in-failed  a\\.b \\*\ufffd\\[2J\ufffdx +at mqtt-ingress$`),
    expect.stringMatching(`^${time}  device-changed  \\S+ +pump at trivium`),
    expect.stringMatching(`^${time}  command         app +cmd/pump/press at mqtt-ingress$`),
    '',
  ]);
});

test('by kind, by who it was, and by how long ago', async () => {
  expect(kindsOf(await hub.done('audit --json'))).toEqual([
    ...['sign-in-failed', 'sign-in-failed', 'device-changed', 'command'],
  ]);
  expect(kindsOf(await hub.done('audit --json --kind command'))).toEqual(['command']);
  const stranger = await hub.trivium(['audit', '--json', '--principal', 'a.b *\ufffd[2J\ufffdx']);
  expect(kindsOf(stranger.out)).toEqual(['sign-in-failed']);
  expect(await hub.done('audit --json --principal nobody')).toBe('');
  expect(await hub.done('audit --json --since 1ms')).toBe('');
  expect(kindsOf(await hub.done('audit --json --count 1'))).toEqual(['sign-in-failed']);
});

test('--follow goes on with what happens', async () => {
  const door = { bus: hub.bus, service: 'mqtt-ingress' };
  const stored = (object: string) => writeAudit(door, { kind: 'policy-stored', principal: 'admin', object });
  await stored('before');
  const words = 'audit --json --kind policy-stored --follow --count 2 --timeout 50s'.split(' ');
  const { code, out } = await call(words, { bus: hub.bus, onOut: () => void stored('meanwhile') });
  expect([code, kindsOf(out)]).toEqual([0, ['policy-stored', 'policy-stored']]);
  expect(out).toContain('"object":"meanwhile"');
});

test('--timeout ends it, with 1 when fewer came than were to come', async () => {
  const { code, out } = await hub.trivium([
    'audit',
    '--kind',
    'key-revoked',
    '--follow',
    '--count',
    '1',
    '--timeout',
    '1s',
  ]);
  expect([code, out]).toEqual([1, '']);
});

test.each([['--kind', 'sign-in'], ['--since', 'yesterday'], ['extra']])(
  '%s %s is refused',
  async (...words) => {
    const { code, err } = await hub.trivium(['audit', ...words]);
    expect(code).toBe(78);
    expect(err).toContain('Usage: trivium audit');
  },
);
