import type { X509Certificate } from 'node:crypto';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect } from 'node:tls';
import type { ClientTls } from '../door/tls-options.ts';
import { hostOf } from '../host-of.ts';

/** A door over TLS as a client finds it. */
export type TlsLook =
  | { readonly end: 'unreachable'; readonly reason: string }
  /** Who answers there does not speak TLS. */
  | { readonly end: 'plain-text' }
  | { readonly end: 'no-handshake'; readonly reason: string }
  | TlsHandshake;

export interface TlsHandshake {
  readonly end: 'handshake';
  /** `TLSv1.3` */
  readonly version: string;
  readonly certificate: X509Certificate;
  /** Why its chain is not accepted, whatever its name: a code of OpenSSL. */
  readonly distrust: string | undefined;
  /** To the first words of its protocol. `cut`: the door ended the connection instead. */
  readonly answer: 'given' | 'cut' | 'none';
}

export interface LookOptions {
  /** `mqtts:`, `wss:` or `https:`. */
  readonly url: URL;
  /** As which it is asked for (SNI). */
  readonly name: string;
  readonly tls: ClientTls;
  readonly patienceMs: number;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'mqtts:': 8883, 'wss:': 443, 'https:': 443 };
/** No TCP, or nobody there: what is said of TLS would be wrong. */
const NO_CONNECTION = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN)$/;

/**
 * A CONNECT for a session, without a client id: every broker refuses it before it asks who comes, and it leaves nothing behind
 * [MQTT3-3.1.3-8].
 */
const MQTT_HELLO = Buffer.from('\x10\x0c\x00\x04MQTT\x04\x00\x00\x3c\x00\x00', 'latin1');
const MQTT_ANSWER = /^\x20/;
const HTTP_ANSWER = /^HTTP\//;

/** What the door's protocol begins with, and what an answer to it begins with. */
function helloOf({ url, name }: LookOptions): { hello: Buffer; answer: RegExp } {
  if (url.protocol === 'mqtts:') return { hello: MQTT_HELLO, answer: MQTT_ANSWER };
  const host = name.includes(':') ? `[${name}]` : name;
  return {
    hello: Buffer.from(`HEAD / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`),
    answer: HTTP_ANSWER,
  };
}

/** Never rejects. */
export async function lookAtTls(options: LookOptions): Promise<TlsLook> {
  const look = await shakeHands(options);
  return look.end === 'no-handshake' && (await answersInPlainText(options)) ? { end: 'plain-text' } : look;
}

const addressOf = (url: URL) => ({
  host: hostOf(url),
  port: url.port === '' ? DEFAULT_PORTS[url.protocol]! : Number(url.port),
});

function shakeHands(options: LookOptions): Promise<TlsLook> {
  const { url, name, tls, patienceMs } = options;
  return new Promise((resolve) => {
    let shaken: Omit<TlsHandshake, 'answer'> | undefined;
    const end = (look: TlsLook): void => {
      socket.destroy();
      resolve(look);
    };
    const socket = connect({
      ...{ ...addressOf(url), ...tls, timeout: patienceMs },
      // A name that is an address is not asked for [RFC6066-3].
      servername: isIP(name) === 0 ? name : '',
      ...(url.protocol === 'mqtts:' ? {} : { ALPNProtocols: ['http/1.1'] }),
      // It is judged afterwards, so that everything that is wrong is told; nothing secret is sent.
      ...{ rejectUnauthorized: false, checkServerIdentity: () => undefined },
    });
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined) return end({ end: 'no-handshake', reason: 'it shows no certificate' });
      shaken = {
        ...{ end: 'handshake', certificate },
        version: socket.getProtocol() ?? 'TLS',
        distrust: socket.authorized ? undefined : String(socket.authorizationError),
      };
      socket.write(helloOf(options).hello);
    });
    socket.once('data', () => shaken && end({ ...shaken, answer: 'given' }));
    socket.once('timeout', () =>
      end(
        shaken !== undefined
          ? { ...shaken, answer: 'none' }
          : socket.connecting
            ? { end: 'unreachable', reason: 'no answer' }
            : { end: 'no-handshake', reason: 'no answer' },
      ),
    );
    const over = (error?: NodeJS.ErrnoException & { reason?: string }): void => {
      if (shaken !== undefined) return end({ ...shaken, answer: 'cut' });
      const { code = '', message = 'the connection was ended', reason = message || code } = error ?? {};
      end({ end: NO_CONNECTION.test(code) ? 'unreachable' : 'no-handshake', reason });
    };
    socket.once('end', () => over()).once('close', () => over());
    socket.on('error', over);
  });
}

function answersInPlainText(options: LookOptions): Promise<boolean> {
  const { hello, answer } = helloOf(options);
  return new Promise((resolve) => {
    const end = (found: boolean): void => {
      socket.destroy();
      resolve(found);
    };
    const socket: Socket = connectPlain({ ...addressOf(options.url), timeout: options.patienceMs });
    socket.once('connect', () => socket.write(hello));
    socket.once('data', (bytes: Buffer) => end(answer.test(bytes.toString('latin1'))));
    socket.once('timeout', () => end(false)).once('close', () => end(false));
    socket.on('error', () => end(false));
  });
}
