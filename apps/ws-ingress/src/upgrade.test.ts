import type { IncomingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { readUpgrade, type UpgradeRules } from './upgrade.ts';

const rules: UpgradeRules = { origins: [], maxClientIdBytes: 8 };
const ask = (
  url: string,
  headers: IncomingHttpHeaders = { 'sec-websocket-protocol': 'trivium.v1' },
  given = rules,
) => readUpgrade({ url, headers, socket: new Socket() }, given);

test.each([
  ['/', undefined],
  ['/any/path?x=1', undefined],
  ['/?clientId=pump-7', 'pump-7'],
  ['/?x=1&clientId=a%2Fb', 'a/b'],
  ['/?clientId=a+b', 'a b'],
  ['/?clientId=%C3%BC', 'ü'],
])('%s asks for the client id %j', (url, clientId) => {
  expect(ask(url)).toMatchObject({ ok: true, value: { clientId } });
});

test.each(['/?clientId=', '/?clientId=%', '/?clientId=%FF', '/?clientId=%00', '/?clientId=123456789'])(
  '%s is refused: not a client id',
  (url) => {
    expect(ask(url)).toMatchObject({ ok: false, error: { code: 'client-id.invalid' } });
  },
);

test('in MQTT the client says its id in CONNECT, not in the address', () => {
  expect(ask('/?clientId=%FF', { 'sec-websocket-protocol': 'mqtt' })).toMatchObject({
    value: { subprotocol: { speaks: 'mqtt' }, clientId: undefined },
  });
});

test('[MQTT3-6.0.0-3] [MQTT-6.0.0-3] without a subprotocol that is spoken here the upgrade is refused, and the message names them', () => {
  const error = {
    code: 'subprotocol.required',
    message: expect.stringContaining('mqtt, mqttv3.1, trivium.v1'),
  };
  expect(ask('/', {})).toMatchObject({ ok: false, error });
  expect(ask('/', { 'sec-websocket-protocol': 'soap' })).toMatchObject({ ok: false, error });
});

test('without a list, pages of every origin may connect', () => {
  const headers = { 'sec-websocket-protocol': 'mqtt' };
  for (const origin of ['https://evil.example', 'null', 'file://'])
    expect(ask('/', { ...headers, origin }).ok).toBe(true);
});

test('pages of other origins may not connect when origins are listed; clients without one may', () => {
  const listed = { ...rules, origins: ['https://app.example'] };
  const headers = { 'sec-websocket-protocol': 'trivium.v1' };
  expect(ask('/', { ...headers, origin: 'https://evil.example' }, listed)).toMatchObject({
    error: { code: 'auth.denied' },
  });
  expect(ask('/', { ...headers, origin: 'https://app.example' }, listed).ok).toBe(true);
  expect(ask('/', headers, listed).ok).toBe(true);
});
