import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  connect as connectTls,
  createServer as createTlsServer,
  type ConnectionOptions,
  type TLSSocket,
} from 'node:tls';
import { handClock } from '@trivium/clock';
import { openDoorTls, tlsSection, type TlsConfig } from '@trivium/tls';
import { limitsSection, type LimitsConfig } from '@trivium/limits';
import { waitFor } from '@trivium/testing';
import { Value } from 'typebox/value';
import { createArrivals, type Arrivals } from './arrivals.ts';

export interface EchoSettings {
  proxySources?: string[];
  limits?: Partial<LimitsConfig>;
  /** The listener has TLS when it is there. */
  tls?: Partial<TlsConfig>;
  alpn?: string[];
  answer?: string;
  handshakeTimeoutMs?: number;
}

/** A guarded listener that says where a client comes from, and then repeats what it is sent. */
export interface EchoListener extends AsyncDisposable {
  readonly port: number;
  readonly arrivals: Arrivals;
  readonly server: Server;
  readonly logged: readonly string[];
  /** Turns the clock on. */
  pass(ms: number): void;
}

export async function echoListener(settings: EchoSettings = {}): Promise<EchoListener> {
  const clock = handClock();
  const logged: string[] = [];
  const keep = (_fields: object, text = ''): void => void logged.push(text);
  const logger = { debug() {}, info: keep, warn: keep, error: keep };
  const arrivals = createArrivals({
    proxy: { sources: settings.proxySources ?? [] },
    limits: { ...Value.Create(limitsSection), ...settings.limits },
    handshakeTimeoutMs: settings.handshakeTimeoutMs ?? 10_000,
    ...{ logger, clock },
  });
  const tls =
    settings.tls &&
    openDoorTls({
      door: { tlsPort: 0 },
      tls: { ...Value.Create(tlsSection), ...settings.tls },
      ...{ logger, nowMs: clock.now() },
    });
  const echo = (socket: Socket): void => {
    socket.on('error', () => undefined);
    socket.write(`from ${socket.remoteAddress}\n`);
    socket.pipe(socket);
  };
  const server =
    tls === undefined
      ? createServer(echo)
      : createTlsServer({ ...tls.options, ...(settings.alpn && { ALPNProtocols: settings.alpn }) }, echo);
  const { answer } = settings;
  arrivals.guard(server, { tls, ...(answer === undefined ? {} : { answer: () => answer }) });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    arrivals,
    server,
    logged,
    pass: (ms) => clock.advance(ms),
    async [Symbol.asyncDispose]() {
      arrivals.close();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A client that keeps what it hears. */
export interface Hearing extends Disposable {
  readonly socket: Socket;
  readonly text: string;
  readonly ended: boolean;
  heard(part: string): Promise<void>;
  gone(): Promise<void>;
}

export function hear(socket: Socket): Hearing {
  let text = '';
  let ended = false;
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', (error: NodeJS.ErrnoException) => (text += `<${error.code}>`));
  socket.on('close', () => (ended = true));
  return {
    socket,
    get text() {
      return text;
    },
    get ended() {
      return ended;
    },
    heard: async (part) =>
      void (await waitFor(() => text.includes(part), { message: () => `${part} in ${text}` })),
    gone: async () => void (await waitFor(() => ended)),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

export const tcpClient = (port: number): Hearing => hear(connectTcp(port, '127.0.0.1'));

export const tlsClient = (
  port: number,
  options: ConnectionOptions,
): Hearing & { readonly socket: TLSSocket } =>
  hear(connectTls({ port, host: '127.0.0.1', ...options })) as Hearing & { readonly socket: TLSSocket };
