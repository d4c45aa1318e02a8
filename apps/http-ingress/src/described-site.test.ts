import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import { storeCredential } from '@trivium/identity';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDoor, type DoorUnderTest } from './door-under-test.ts';

const file = (name: string): string => fileURLToPath(new URL(`testing/${name}.pem`, import.meta.url));
const CHEAP = { memoryKiB: 1_024, passes: 1 };

let nats: NatsServer;
let door: DoorUnderTest;
beforeAll(async () => {
  nats = await startNats();
  door = await startDoor(nats.url, {
    auth: { required: true, argon2: CHEAP },
    tls: {
      ...{ cert: file('first.cert'), key: file('first.key') },
      ...{ clientCertificates: 'optional', clientCa: file('first.cert') },
    },
    config: { tlsPort: 18_443 },
  });
  const author = { principal: 'root', service: 'test' };
  await storeCredential(door.bus, { name: 'ann', password: 'p' }, author, { cost: CHEAP });
  await waitFor(async () => (await read('/asyncapi.json')).status === 200);
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await nats.stop();
});

async function read(path: string) {
  const authorization = `Basic ${Buffer.from('ann:p').toString('base64')}`;
  const response = await fetch(door.url + path, { headers: { authorization } });
  return { status: response.status, text: await response.text() };
}

// That it is valid then too, the reference parser says in `@trivium/message-contracts`.
test('/asyncapi.json names the servers with TLS, and by what one gets in', async () => {
  const { servers } = JSON.parse((await read('/asyncapi.json')).text) as {
    servers: Record<string, { protocol: string; security: { $ref: string }[] }>;
  };
  expect(Object.values(servers).map(({ protocol }) => protocol)).toEqual([
    ...['mqtt', 'mqtts', 'ws', 'wss', 'ws', 'wss', 'http', 'https'],
  ]);
  const waysIn = servers['httpTls']!.security.map(({ $ref }) => $ref.split('/').at(-1));
  expect(waysIn).toEqual(['basic', 'bearer', 'accessToken', 'certificate']);
});

test('/openapi.json names HTTPS, and that one has to say who one is', async () => {
  const api = JSON.parse((await read('/openapi.json')).text) as Record<string, unknown>;
  expect(await new Validator().validate(api)).toEqual({ valid: true });
  expect(api).toMatchObject({
    servers: [{ url: '/' }, { url: 'https://{host}:{port}', variables: { port: { default: '18443' } } }],
    security: [{ basic: [] }, { bearer: [] }, { certificate: [] }],
  });
  expect(JSON.stringify(api)).not.toContain('"security":[{},');
});
