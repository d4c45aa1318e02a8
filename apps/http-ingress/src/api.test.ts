import { readFile } from 'node:fs/promises';
import { Validator } from '@seriousme/openapi-schema-validator';
import { startNats, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDoor, type DoorUnderTest } from './door-under-test.ts';

let nats: NatsServer;
let door: DoorUnderTest;
beforeAll(async () => {
  nats = await startNats();
  door = await startDoor(nats.url);
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await nats.stop();
});

interface Operation {
  operationId?: string;
  parameters?: { in: string; name: string }[];
  requestBody?: { content: object };
  responses: Record<string, { description: string; content?: object }>;
}

describe('the description of the API', () => {
  test('OpenAPI 3.1 of every route that is not hidden', async () => {
    const response = await fetch(`${door.url}/openapi.json`);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    const api = (await response.json()) as {
      openapi: string;
      paths: Record<string, Record<string, Operation>>;
    };
    expect(api.openapi).toBe('3.1.0');
    const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(operations.sort()).toEqual([
      'DELETE /v1/commands/{requestId}',
      'DELETE /v1/devices/{id}',
      'GET /retainedMessage',
      'GET /retainedMessage/{topic}',
      'GET /v1/commands/{requestId}',
      'GET /v1/devices',
      'GET /v1/devices/me/commands',
      'GET /v1/devices/{id}',
      'GET /v1/explain',
      'GET /v1/stream',
      'POST /topics/{topic}',
      'POST /v1/devices/me/commands/{requestId}/reply',
      'POST /v1/devices/{id}/commands/{name}',
      'POST /v1/messages',
      'PUT /v1/devices/{id}',
    ]);
    for (const methods of Object.values(api.paths))
      for (const operation of Object.values(methods)) {
        expect(operation.operationId).toBeTruthy();
        const answers = Object.keys(operation.responses);
        expect(answers.pop()).toBe('default');
        for (const status of answers) expect(status).toMatch(/^2/);
        expect(Object.keys(operation.responses['default']!.content!)).toEqual(['application/problem+json']);
        for (const { description } of Object.values(operation.responses))
          expect(description).not.toBe('Default Response');
      }
    const command = api.paths['/v1/devices/{id}/commands/{name}']!['post']!;
    expect(command.requestBody).toBeDefined();
    const retained = api.paths['/retainedMessage/{topic}']!['get']!;
    expect(retained.requestBody).toBeUndefined();
    expect(retained.parameters!.map(({ name }) => name)).toEqual(['topic']);
    const publish = api.paths['/topics/{topic}']!['post']!;
    expect(Object.keys(publish.requestBody!.content)).toEqual(['*/*']);
    expect(
      publish.parameters!.filter((parameter) => parameter.in === 'path').map(({ name }) => name),
    ).toEqual(['topic']);
    expect(
      publish.parameters!.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
    ).toEqual(['qos', 'retain', 'contentType', 'responseTopic', 'messageExpiry']);
  });

  test('is valid, and the one that is checked in (npm run generate -w @trivium/http-ingress)', async () => {
    const served = (await (await fetch(`${door.url}/openapi.json`)).json()) as Record<string, unknown>;
    const written = await readFile(new URL('../openapi.json', import.meta.url), 'utf8');
    expect(served).toEqual(JSON.parse(written));
    expect(await new Validator().validate(served)).toEqual({ valid: true });
    // The validator does not look into schemas: a tuple of an older dialect of JSON Schema would pass it.
    expect(written).not.toMatch(/"items": \[|"additionalItems"/);
    expect(written).toContain('"prefixItems"');
  });

  test('its viewer is served from here, without anything from elsewhere', async () => {
    const html = await (await fetch(`${door.url}/docs`)).text();
    const references = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url!);
    expect(references.length).toBeGreaterThan(3);
    for (const url of references) {
      expect(url).toMatch(/^\//);
      expect((await fetch(door.url + url)).status).toBe(200);
    }
  });
});

describe('CORS', () => {
  const preflight = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'x-client-id',
  };
  const call = (url: string, origin: string, method = 'GET', headers = {}): Promise<Response> =>
    fetch(`${url}/v1/devices`, { method, headers: { origin, ...headers } });

  test('is off unless origins are listed', async () => {
    const response = await call(door.url, 'https://app.example');
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect((await call(door.url, 'https://app.example', 'OPTIONS', preflight)).status).toBe(405);
  });

  test('lets listed origins in, with the headers that they need, and no others', async () => {
    await using listed = await startDoor(nats.url, { config: { origins: ['https://app.example'] } });
    const answer = await call(listed.url, 'https://app.example');
    expect([
      answer.status,
      answer.headers.get('access-control-allow-origin'),
      answer.headers.get('vary'),
    ]).toEqual([200, 'https://app.example', 'Origin']);
    const asked = await call(listed.url, 'https://app.example', 'OPTIONS', preflight);
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-methods')).toContain('POST');
    expect(asked.headers.get('access-control-allow-headers')).toContain('x-client-id');
    const other = await call(listed.url, 'https://evil.example');
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    const stream = await fetch(`${listed.url}/v1/stream?filter=a`, {
      headers: { origin: 'https://app.example' },
    });
    expect(stream.headers.get('access-control-allow-origin')).toBe('https://app.example');
    await stream.body!.cancel();
  });

  test('* lets everybody in', async () => {
    await using open = await startDoor(nats.url, { config: { origins: ['*'] } });
    const answer = await call(open.url, 'https://any.example');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  });
});

test('a defect is answered with 500 and nothing of its inside', async () => {
  const broken = await startDoor(nats.url);
  const devices = broken.bus.bucket('devices');
  devices.get = () => Promise.reject(new Error('secret inside'));
  const response = await fetch(`${broken.url}/v1/devices/x`);
  const text = await response.text();
  await broken[Symbol.asyncDispose]();
  expect(response.status).toBe(500);
  expect(JSON.parse(text)).toMatchObject({ status: 500, code: 'defect', requestId: expect.any(String) });
  expect(text).not.toContain('secret');
});
