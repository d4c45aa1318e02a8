import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { isUntrusted, type ClientTls } from '../../door/tls-options.ts';
import { hostOf } from '../../host-of.ts';
import { fail, ok, skip, some, warn, type Finding } from '../finding.ts';
import { lookAtTls, type TlsHandshake, type TlsLook } from '../tls-look.ts';
import { checkValidity, daysLeft, subjectOf } from './validity.ts';

export interface TlsDoor {
  readonly about: string;
  /** `mqtts:`, `wss:` or `https:`. */
  readonly url: URL;
  /** As which clients ask for it; undefined: that is not known, and its address is taken for it. */
  readonly name: string | undefined;
}

export interface Client {
  readonly tls: ClientTls;
  /** Of whom it trusts; undefined: those that this machine does. */
  readonly caFile: string | undefined;
  /** Of the certificate that it shows. */
  readonly certFile: string | undefined;
  /** Doors are set to let in nobody without one. */
  readonly mustShow: boolean;
}

const PATIENCE_MS = 10_000;

/** What a client is told at doors over TLS. Nobody signs in there. */
export async function checkTlsDoors(
  doors: readonly TlsDoor[],
  client: Client,
  nowMs: number,
): Promise<Finding[]> {
  const check = async (door: TlsDoor): Promise<Finding[]> => {
    const { url, name = hostOf(url) } = door;
    const look = await lookAtTls({ url, name, tls: client.tls, patienceMs: PATIENCE_MS });
    return findingsOf(door, client, look, nowMs);
  };
  return (await Promise.all(doors.map(check))).flat();
}

export function findingsOf(door: TlsDoor, client: Client, look: TlsLook, nowMs: number): Finding[] {
  const { about, url } = door;
  const at = `${url.protocol}//${url.host}`;
  if (look.end === 'unreachable')
    return [fail(about, `nothing takes connections at ${at}: ${look.reason}`, 'see its log')];
  if (look.end === 'plain-text')
    return [
      fail(
        about,
        `answers in plain text at ${at}: there is no TLS on this port`,
        'use the port that has TLS; a door has one with TRIVIUM_TLS_CERT and TRIVIUM_TLS_KEY',
      ),
    ];
  if (look.end === 'no-handshake')
    return [
      fail(
        about,
        `the TLS handshake fails at ${at}: ${look.reason}`,
        'is it a door with TLS that listens there? one behind a balancer may want a PROXY header; see its log',
      ),
    ];
  const troubles = [
    ...nameTroubles(door, look.certificate),
    ...timeTroubles(door, look.certificate, nowMs),
    ...trustTroubles(about, client, look, nowMs),
    ...answerTroubles(about, at, client, look),
  ];
  const { version, certificate } = look;
  const { name = hostOf(url) } = door;
  const trusted = client.caFile === undefined ? 'this machine trusts' : `${client.caFile} has`;
  return troubles.length > 0
    ? [ok(about, `speaks ${version} at ${at}`), ...troubles]
    : [
        ok(
          about,
          `speaks ${version} at ${at}; its certificate is for ${name}, valid for ${daysLeft(certificate, nowMs)} more days, and of an authority that ${trusted}`,
        ),
      ];
}

/** A common name is not looked at: most clients do not either [RFC9110-4.3.4]. */
function nameTroubles({ about, url, name }: TlsDoor, certificate: X509Certificate): Finding[] {
  const wanted = name ?? hostOf(url);
  const fits =
    isIP(wanted) === 0
      ? certificate.checkHost(wanted, { subject: 'never' }) !== undefined
      : certificate.checkIP(wanted) !== undefined;
  if (fits) return [];
  const names = certificate.subjectAltName?.split(', ').map((each) => each.replace(/^(DNS|IP Address):/, ''));
  const text = `its certificate is not for ${wanted}, but for ${names === undefined ? 'no name at all' : some(names)}: who connects by this name turns away`;
  return name === undefined
    ? [warn(about, text, 'connect by a name that it is for; --name <host> looks as who does')]
    : [fail(about, text, 'connect by a name that it is for, or put one in its place that has this name too')];
}

function timeTroubles({ about }: TlsDoor, certificate: X509Certificate, nowMs: number): Finding[] {
  const finding = checkValidity(about, `its certificate (${subjectOf(certificate)})`, certificate, nowMs);
  return finding.level === 'ok' ? [] : [finding];
}

function trustTroubles(about: string, { caFile }: Client, look: TlsHandshake, nowMs: number): Finding[] {
  const { distrust, certificate } = look;
  if (distrust === undefined) return [];
  const issuer = certificate.issuer.replaceAll('\n', ', ');
  if (isUntrusted(distrust))
    return [
      caFile === undefined
        ? warn(
            about,
            `this machine does not trust who signed its certificate (${issuer})`,
            '--cafile <pem of that authority> (of npx trivium certs: certs/ca.cert.pem); clients need it too',
          )
        : fail(
            about,
            `its certificate was not signed by an authority in ${caFile}, but by ${issuer} (${distrust})`,
            'name the file of that authority; one in between belongs into the file of the door, behind its own certificate',
          ),
    ];
  const { validFromDate, validToDate } = certificate;
  const isOutOfTime = validToDate.getTime() < nowMs || validFromDate.getTime() > nowMs;
  // Of its time it has been said.
  if (isOutOfTime && /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(distrust)) return [];
  return [
    fail(
      about,
      distrust === 'CERT_HAS_EXPIRED'
        ? `a certificate above its own (${issuer}) has expired: clients turn away`
        : `its certificate is not accepted: ${distrust}`,
      'have the authority issue another one, for servers, and put it in its place',
    ),
  ];
}

function answerTroubles(
  about: string,
  at: string,
  { certFile, mustShow }: Client,
  { answer }: TlsHandshake,
): Finding[] {
  if (answer === 'given') return [];
  if (answer === 'none')
    return [fail(about, `says nothing at ${at} after the handshake`, 'see its log: it hangs, or is busy')];
  if (certFile !== undefined)
    return [
      fail(
        about,
        `ends the connection after the handshake: it does not take the client certificate in ${certFile}`,
        'is its authority in tls.clientCa, its time not over, and it on no revocation list? npx trivium certs show',
      ),
    ];
  return mustShow
    ? [
        skip(
          about,
          `lets in nobody without a client certificate (tls.clientCertificates): --cert and --key show one`,
        ),
      ]
    : [
        fail(
          about,
          'ends the connection after the handshake',
          'if it wants a client certificate, show one: --cert, --key; else see its log',
        ),
      ];
}
