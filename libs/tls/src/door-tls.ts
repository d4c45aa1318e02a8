import {
  createSecureContext,
  type SecureContext,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import type { Logger } from '@trivium/bus';
import type { DoorTlsConfig, TlsConfig } from './config.ts';
import { entryOfHost } from './host-name.ts';
import { certificateName } from './revocation-list.ts';
import { tlsFilesOf } from './tls-files.ts';
import { readMaterial, textOf, type TlsMaterial } from './tls-material.ts';

/** The files are looked at this often. Their text is compared: times of files say little when a volume is swapped under them. */
const LOOK_EVERY_MS = 2_000;

export interface DoorTlsOptions {
  /** The door's own section. */
  door: DoorTlsConfig;
  tls: TlsConfig;
  logger: Logger;
  nowMs: number;
}

/** The TLS of a door: the certificates that it shows, and those that it accepts. */
export interface DoorTls {
  /** For a server of node:tls, node:https or node:http2. Certificates of clients are asked for; `admit` judges them. */
  readonly options: TlsOptions;
  /** The server has what the files say from now on. */
  follow(server: Server): void;
  /**
   * Why a client that has shaken hands must go; undefined: it may stay, until its certificate is revoked. Node's own judgement is not
   * enough: it lets a client without a certificate pass for one that has one when it resumes a session of TLS 1.3.
   */
  admit(socket: TLSSocket): string | undefined;
  /** A turn of the door's clock: what has changed in the files is in use; what cannot be used is logged once, and the old stays. */
  tick(nowMs: number): void;
}

/** The TLS that is set for a door; undefined when there is no certificate. @throws when a file cannot be used */
export function openDoorTls({ door, tls, logger, nowMs }: DoorTlsOptions): DoorTls | undefined {
  const files = tlsFilesOf(door, tls);
  if (files === undefined) return undefined;
  const { clientCertificates: wanted } = tls;
  const minVersion = tls.minVersion === 1.3 ? 'TLSv1.3' : 'TLSv1.2';

  let seen = textOf(files);
  let material = readMaterial(files);
  let hosts = contextsOf(material);
  let lookedAtMs = nowMs;
  const servers = new Set<Server>();
  /** Clients that are here by a certificate, with its name. */
  const certified = new Map<TLSSocket, string>();

  /** What every context has, whatever the host. */
  function contextOptions({ clientCa, revocation }: TlsMaterial) {
    return {
      minVersion,
      ...(clientCa === undefined ? {} : { ca: clientCa }),
      ...(revocation === undefined ? {} : { crl: [...revocation.pems] }),
    } as const;
  }

  function contextsOf(of: TlsMaterial): Map<string, SecureContext> {
    const shared = contextOptions(of);
    return new Map(
      Array.from(of.hosts, ([host, pair]) => [host, createSecureContext({ ...pair, ...shared })]),
    );
  }

  const use = (renewed: TlsMaterial): void => {
    const contexts = contextsOf(renewed);
    for (const server of servers) server.setSecureContext({ ...renewed.own, ...contextOptions(renewed) });
    material = renewed;
    hosts = contexts;
    for (const [socket, name] of certified) if (renewed.revocation?.isRevoked(name)) socket.destroy();
  };

  const warnOfExpiry = (atMs: number): void => {
    const { validUntil = Infinity } = material.revocation ?? {};
    if (validUntil > atMs) return;
    const at = new Date(validUntil).toISOString();
    logger.warn(
      { file: files.revocationList, at },
      'a revocation list has run out: no client certificate is accepted',
    );
  };
  warnOfExpiry(nowMs);

  return {
    options: {
      ...material.own,
      ...contextOptions(material),
      requestCert: wanted !== 'off',
      rejectUnauthorized: false,
      SNICallback: (host, answer) => answer(null, entryOfHost(hosts, host)),
    },
    follow: (server) => void servers.add(server),
    admit(socket) {
      if (wanted === 'off') return undefined;
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined)
        return wanted === 'required' ? 'a client certificate is required' : undefined;
      if (!socket.authorized) return `the client certificate is not accepted: ${socket.authorizationError}`;
      certified.set(socket, certificateName(certificate.raw));
      socket.once('close', () => certified.delete(socket));
      return undefined;
    },
    tick(atMs) {
      if (atMs - lookedAtMs < LOOK_EVERY_MS) return;
      lookedAtMs = atMs;
      const found = textOf(files);
      if (found === seen) return;
      seen = found;
      try {
        use(readMaterial(files));
        logger.info({ file: files.own.cert }, 'new certificates are in use');
        warnOfExpiry(atMs);
      } catch (error) {
        logger.error(
          { err: error, file: files.own.cert },
          'new certificates cannot be used; the old ones stay',
        );
      }
    },
  };
}
