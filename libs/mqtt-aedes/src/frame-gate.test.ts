import { duplexPair, type Duplex } from 'node:stream';
import { errorCode } from '@trivium/contracts';
import { waitFor } from '@trivium/testing';
import { describe, expect, it } from 'vitest';
import { FrameGate, type FrameGateOptions } from './frame-gate.ts';
import { connectFrame, DISCONNECT, PINGREQ, publishFrame, subscribeFrame } from './raw-client.fixture.ts';
import { createStats } from './stats.ts';

const CONNACK = Buffer.from([0x20, 2, 0, 0]);
const puback = (packetId: number): Buffer => Buffer.from([0x40, 2, 0, packetId]);

/** A gate with a client at one end and something that reads like aedes at the other. */
function gate(options: Partial<FrameGateOptions> = {}) {
  const [client, socket] = duplexPair() as [Duplex, Duplex];
  const given: string[] = [];
  const closed: (string | undefined)[] = [];
  const faults: unknown[] = [];
  const stream = new FrameGate({
    socket,
    maxPacketBytes: 1_000,
    stats: createStats(),
    mayPublish: () => true,
    onFault: (error) => faults.push(error),
    onClosed: (error) => closed.push(error && errorCode(error)),
    ...options,
  });
  stream.on('readable', () => {
    const chunk = stream.read() as Buffer | null;
    if (chunk !== null) given.push(chunk.toString('hex'));
  });
  const sent: string[] = [];
  client.on('data', (chunk: Buffer) => sent.push(chunk.toString('hex')));
  return { client, stream, given, closed, faults, sent };
}

const hex = (...frames: Buffer[]): string[] => frames.map((frame) => frame.toString('hex'));

describe('frame gate', () => {
  it('gives packets one by one, and none before the answer to the one before it', async () => {
    const { client, stream, given, sent } = gate();
    const [connect, subscribe, publish] = [
      connectFrame(),
      subscribeFrame(1, ['a', 1]),
      publishFrame('a', 'x'),
    ];
    client.write(Buffer.concat([connect, subscribe, PINGREQ, publish, publish, DISCONNECT]));
    await waitFor(() => given.length === 1);
    stream.write(CONNACK);
    await waitFor(() => given.length === 2);
    stream.write(publishFrame('a', 'not an answer'));
    stream.write(Buffer.from([0x90, 3]));
    stream.write(Buffer.from([0, 1, 1]));
    await waitFor(() => given.length === 3);
    stream.write(Buffer.from([0xd0, 0]));
    await waitFor(() => given.length === 6);
    expect(given).toEqual(hex(connect, subscribe, PINGREQ, publish, publish, DISCONNECT));
    expect(stream.disconnected).toBe(true);
    expect(sent.join('')).toContain('9003000101d000');
  });

  it('holds PUBLISH, and what follows, while it may not go on', async () => {
    let may = false;
    const { client, stream, given } = gate({ mayPublish: () => may });
    client.write(Buffer.concat([DISCONNECT, publishFrame('a', 'x', 0x32, 1), DISCONNECT]));
    await waitFor(() => given.length === 1);
    may = true;
    stream.pump();
    await waitFor(() => given.length === 3);
    expect(stream.unacknowledged).toBe(1);
    stream.write(puback(1));
    await waitFor(() => stream.unacknowledged === 0);
  });

  it('tells of the end of the input when everything is acknowledged', async () => {
    const { client, stream, given, sent } = gate();
    let ended = false;
    stream.on('end', () => (ended = true));
    client.end(publishFrame('a', 'x', 0x32, 1));
    await waitFor(() => given.length === 1);
    expect(ended).toBe(false);
    stream.write(puback(1));
    await waitFor(() => ended);
    expect(sent).toEqual(hex(puback(1)));
  });

  it('stops reading a client whose packets cannot go on', async () => {
    const { client, given } = gate({ mayPublish: () => false });
    const packet = publishFrame('a', 'x'.repeat(900));
    let room = true;
    for (let i = 0; i < 1_000 && room; i++) room = client.write(packet);
    expect(room).toBe(false);
    expect(given).toEqual([]);
  });

  it.each<[string, Buffer]>([
    ['protocol.malformed', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1])],
    ['payload.too-large', publishFrame('a', 'x'.repeat(1_000))],
    ['protocol.malformed', publishFrame('a', 'x', 0x32, 0)],
  ])('closes for %s', async (code, bytes) => {
    const { client, closed } = gate();
    client.write(bytes);
    await waitFor(() => closed.length > 0);
    expect(closed).toEqual([code]);
  });

  it('what was written leaves before it closes', async () => {
    const { client, stream, sent, closed } = gate();
    let ended = false;
    client.on('end', () => (ended = true));
    stream.write(CONNACK);
    stream.destroy(new Error('refused'));
    await waitFor(() => ended);
    expect(sent).toEqual(hex(CONNACK));
    expect(closed).toEqual(['defect']);
  });

  it('a fault of whoever reads from it closes it, and goes no further', async () => {
    const { client, stream, faults, closed } = gate();
    stream.on('readable', () => {
      throw new TypeError('injected');
    });
    client.write(connectFrame());
    await waitFor(() => closed.length > 0);
    expect(faults).toEqual([new TypeError('injected')]);
    expect(stream.destroyed).toBe(true);
  });
});
