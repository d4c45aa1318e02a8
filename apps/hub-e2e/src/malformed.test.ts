import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { waitFor } from '@trivium/testing';
import { describe, expect, inject, it } from 'vitest';
import { WebSocket } from 'ws';
import { connectMqtt } from './clients/mqtt-js.ts';
import { openTrivium } from './clients/trivium-ws.ts';

const hub = inject('hub');
const CONNECT = Buffer.from('100d00044d5154540402003c000161', 'hex');
/** The same with a client id of its own per call, so that no case takes over another's session. */
let ids = 0;
function connectPacket(): Buffer {
  const id = Buffer.from(`bad${++ids}`);
  const rest = Buffer.concat([Buffer.from('00044d5154540402003c', 'hex'), Buffer.from([0, id.length]), id]);
  return Buffer.concat([Buffer.from([0x10, rest.length]), rest]);
}

interface Raw {
  socket: Socket;
  bytes(): Buffer;
  closed: Promise<unknown>;
}

async function raw(port: number, ...sent: Buffer[]): Promise<Raw> {
  const socket = connect(port, hub.host);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  for (const bytes of sent) socket.write(bytes);
  return { socket, bytes: () => Buffer.concat(chunks), closed };
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** After CONNECT: each breaks one rule and must close the connection [MQTT3-4.8.0-1]. */
const AFTER_CONNECT: readonly [string, Buffer][] = [
  ['a second CONNECT [MQTT3-3.1.0-2]', CONNECT],
  ['PUBLISH with QoS 3 [MQTT3-3.3.1-4]', hex('36 05 0001 61 0001')],
  ['PUBLISH with a wildcard [MQTT3-3.3.2-2]', hex('30 05 0003 612f23')],
  ['PUBLISH with an empty topic [MQTT3-4.7.3-1]', hex('30 03 0000 61')],
  ['PUBLISH with U+0000 in the topic [MQTT3-1.5.3-2]', hex('30 05 0003 610061')],
  ['PUBLISH with a surrogate in the topic [MQTT3-1.5.3-1]', hex('30 05 0003 eda080')],
  ['PUBLISH with packet id 0 [MQTT3-2.3.1-1]', hex('32 05 0001 61 0000')],
  ['PUBLISH whose topic is longer than the packet', hex('30 05 0009 616161')],
  ['SUBSCRIBE with wrong flags [MQTT3-3.8.1-1]', hex('80 06 0001 0001 61 00')],
  ['SUBSCRIBE without filters [MQTT3-3.8.3-3]', hex('82 02 0001')],
  ['SUBSCRIBE with reserved bits in the QoS [MQTT3-3.8.3-4]', hex('82 06 0001 0001 61 04')],
  ['UNSUBSCRIBE without filters [MQTT3-3.10.3-2]', hex('a2 02 0001')],
  ['PINGREQ with a body', hex('c0 01 00')],
  ['a packet of type 0', hex('00 00')],
  ['a packet of type 15', hex('f0 00')],
  ['a remaining length of five bytes', hex('30 ff ff ff ff 7f')],
  ['a server packet', hex('20 02 0000')],
  ['a packet above the size limit', hex('30 ff ff ff 7f')],
];

/** Instead of CONNECT. */
const FIRST: readonly [string, Buffer][] = [
  ['another packet first [MQTT3-3.1.0-1]', hex('c0 00')],
  ['a wrong protocol name [MQTT3-3.1.2-1]', hex('10 0d 0004 4d515458 04 02 003c 0001 61')],
  ['the reserved connect flag [MQTT3-3.1.2-3]', hex('10 0d 0004 4d515454 04 03 003c 0001 61')],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ['random bytes', hex('ff fe fd fc fb fa 00 01 02 03')],
];

describe.each([
  ['mqtt-ingress', hub.mqtt],
  ['aedes', hub.aedes],
] as const)('%s', (name, port) => {
  it.each(FIRST)('closes on %s', async (_what, bytes) => {
    const client = await raw(port, bytes);
    await client.closed;
  });
  if (name === 'mqtt-ingress')
    it.each(AFTER_CONNECT)('closes on %s, and answers nothing', async (_what, bytes) => {
      const client = await raw(port, connectPacket());
      await waitFor(() => client.bytes().length === 4);
      client.socket.write(bytes);
      await client.closed;
      expect(client.bytes().toString('hex')).toBe('20020000');
    });
  it('closes on an unknown protocol level, our own door with 0x01 [MQTT3-3.1.2-2]', async () => {
    const client = await raw(port, hex('10 0d 0004 4d515454 07 02 003c 0001 61'));
    await client.closed;
    expect(client.bytes().toString('hex')).toBe(name === 'aedes' ? '' : '20020001');
  });
});

describe('what is not offered yet is refused, never granted in silence', () => {
  it.each([
    ['clean session 0', hex('10 0d 0004 4d515454 04 00 003c 0001 61')],
    ['a will', hex('10 14 0004 4d515454 04 06 003c 0001 61 0002 7774 0001 78')],
  ])('by aedes: CONNECT with %s gets a CONNACK with a refusal and is closed', async (_what, bytes) => {
    const client = await raw(hub.aedes, bytes);
    await client.closed;
    expect(client.bytes().length).toBe(4);
    expect(client.bytes()[0]).toBe(0x20);
    expect(client.bytes()[3]).not.toBe(0);
  });
  it('a method of enhanced authentication gets a CONNACK with 0x8C [MQTT-4.12.0-1]', async () => {
    const client = await raw(hub.mqtt, hex('10 14 0004 4d515454 05 02 003c 06 15 0003 616263 0001 61'));
    await client.closed;
    expect(client.bytes().subarray(2, 4).toString('hex')).toBe('008c');
  });
  it.each([
    ['QoS 2', hex('34 05 0001 61 0001')],
    ['retain', hex('31 04 0001 61 78')],
  ])('by aedes: PUBLISH with %s closes', async (_what, bytes) => {
    const client = await raw(hub.aedes, connectPacket());
    await waitFor(() => client.bytes().length === 4);
    client.socket.write(bytes);
    await client.closed;
    expect(client.bytes().length).toBe(4);
  });
});

describe('ws-ingress', () => {
  const url = `ws://${hub.host}:${hub.ws}/`;
  const closeCode = async (socket: WebSocket): Promise<number> => {
    socket.on('error', () => undefined);
    const [code] = (await once(socket, 'close')) as [number];
    return code;
  };
  it.each([[undefined], ['soap']])('refuses the upgrade with subprotocol %s', async (subprotocol) => {
    const socket = new WebSocket(url, subprotocol);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('400');
  });
  it('closes MQTT on a text frame [MQTT3-6.0.0-1]', async () => {
    const socket = new WebSocket(url, 'mqtt');
    await once(socket, 'open');
    socket.send('text');
    expect(await closeCode(socket)).toBe(1003);
  });
  it('closes MQTT on a malformed packet', async () => {
    const socket = new WebSocket(url, 'mqtt');
    await once(socket, 'open');
    socket.send(Buffer.from('c000', 'hex'));
    expect(await closeCode(socket)).toBeGreaterThanOrEqual(1000);
  });
  it('answers bad frames of trivium.v1 with err, and goes on', async () => {
    await using door = await openTrivium(url);
    door.socket.send('not json');
    door.socket.send('{"op":"dance","id":77}');
    await waitFor(() => door.pushed.length === 2);
    expect(door.pushed.map(({ op }) => op)).toEqual(['err', 'err']);
    expect(door.pushed[1]!.id).toBe(77);
    expect(await door.ask({ op: 'pub', topic: 'a/#', payload: 'x' })).toMatchObject({
      op: 'err',
      code: 'topic.invalid',
    });
    expect(await door.ask({ op: 'sub', filters: [{ filter: 'a/#/b', qos: 0 }] })).toMatchObject({
      op: 'err',
      code: 'filter.invalid',
    });
    expect(await door.ask({ op: 'pub', topic: 'a', payload: 'x', qos: 2 })).toMatchObject({ op: 'err' });
    expect(await door.ask({ op: 'ping' })).toMatchObject({ op: 'pong' });
  });
});

describe('http-ingress', () => {
  const url = (path: string): string => `http://${hub.host}:${hub.http}${path}`;
  it.each([
    ['a wildcard', '/topics/a%2F%23', 400],
    ['U+0000', '/topics/a%00b', 400],
    ['malformed percent-encoding', '/topics/a%zz', 400],
    ['an unknown QoS', '/topics/a?qos=7', 400],
    ['a topic that is too long', `/topics/${'x'.repeat(16_385)}`, 414],
  ])('refuses %s as a problem document', async (_what, path, status) => {
    const answer = await fetch(url(path), { method: 'POST', body: 'x' });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ status, code: expect.any(String) });
  });
  it('refuses a body above the limit with 413', async () => {
    const answer = await fetch(url('/topics/a'), { method: 'POST', body: Buffer.alloc(9 << 20) }).catch(
      () => undefined,
    );
    if (answer !== undefined) expect(answer.status).toBe(413);
    expect((await fetch(url('/topics/a'), { method: 'POST', body: 'x' })).status).toBe(200);
  });
  it('answers garbage with 400 and closes', async () => {
    const client = await raw(hub.http, Buffer.from('\x16\x03\x01garbage\r\n\r\n', 'latin1'));
    await client.closed;
    expect(client.bytes().toString()).toContain('400');
  });
});

it('a flood of broken connections at every door leaves nothing behind', async () => {
  const rss = async (): Promise<number> => {
    const text = await (await fetch(`http://${hub.host}:${hub.admin.mqtt}/metrics`)).text();
    return Number(/^process_memory_usage(?:\{[^}]*\})? (\S+)/m.exec(text)?.[1] ?? NaN);
  };
  const flood = async (): Promise<void> => {
    for (let i = 0; i < 40; i++) {
      await Promise.all(
        AFTER_CONNECT.map(async ([, bytes]) => {
          const client = await raw(hub.mqtt, connectPacket(), bytes);
          await client.closed;
        }),
      );
    }
  };
  await flood();
  const before = await rss();
  expect(before).toBeGreaterThan(0);
  await flood();
  expect((await rss()) - before).toBeLessThan(32 << 20);
  await waitFor(async () => {
    const text = await (await fetch(`http://${hub.host}:${hub.admin.mqtt}/metrics`)).text();
    return /^trivium_mqtt_connections(?:\{[^}]*\})? 0\b/m.test(text);
  });
  const device = await connectMqtt(`mqtt://${hub.host}:${hub.mqtt}`);
  await device.publishAsync('still/here', 'x', { qos: 1 });
  await device.endAsync();
});
