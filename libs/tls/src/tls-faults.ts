import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { variableName, type ConfigIssue } from '@trivium/service';
import { pairOf, readPair } from './certificate-pair.ts';
import type { DoorTlsConfig, TlsConfig } from './config.ts';
import { parseRevocationLists } from './revocation-list.ts';
import { readAuthorities } from './tls-material.ts';

export interface TlsSettings {
  /** Name of the door's section, `mqtt`. */
  section: string;
  door: DoorTlsConfig;
  tls: TlsConfig;
}

/** What is wrong with the settings of TLS of a door, each by its setting. */
export function tlsFaults({ section, door, tls }: TlsSettings): ConfigIssue[] {
  return [
    ...pairFaults({ [`${section}.tlsCert`]: door.tlsCert, [`${section}.tlsKey`]: door.tlsKey }),
    ...pairFaults({ 'tls.cert': tls.cert, 'tls.key': tls.key }),
    ...hostFaults(tls, door.tlsCert ?? tls.cert),
    ...clientFaults(tls),
  ];
}

/** Of a certificate and its key: by their settings, in this order. */
function pairFaults(settings: Record<string, string | undefined>): ConfigIssue[] {
  const [[certName, cert], [keyName, key]] = Object.entries(settings) as [
    [string, string | undefined],
    [string, string | undefined],
  ];
  if (cert === undefined && key === undefined) return [];
  if (key === undefined) return [fault(keyName, `is not set, and ${certName} is; set both or neither`)];
  if (cert === undefined) return [fault(certName, `is not set, and ${keyName} is; set both or neither`)];
  const unreadable = [
    ...unusable(certName, () => readFileSync(cert)),
    ...unusable(keyName, () => readFileSync(key)),
  ];
  if (unreadable.length > 0) return unreadable;
  const broken = unusable(certName, () => new X509Certificate(readFileSync(cert)));
  return broken.length > 0 ? broken : unusable(keyName, () => readPair({ cert, key }));
}

function hostFaults({ hosts }: TlsConfig, cert: string | undefined): ConfigIssue[] {
  const entries = Object.entries(hosts);
  if (entries.length > 0 && cert === undefined)
    return [fault('tls.cert', 'is not set, and tls.hosts is; clients that ask for no host need one too')];
  return entries.flatMap(([host, files]) =>
    unusable('tls.hosts', () => readPair(pairOf(files)!), `tls.hosts.${host}`),
  );
}

function clientFaults({ clientCertificates, clientCa, revocationList }: TlsConfig): ConfigIssue[] {
  if (clientCertificates !== 'off' && clientCa === undefined)
    return [fault('tls.clientCa', `is not set, and tls.clientCertificates is ${clientCertificates}`)];
  const idle = 'is set, and tls.clientCertificates is off; set that to optional or required';
  if (clientCertificates === 'off')
    return [
      ...(clientCa === undefined ? [] : [fault('tls.clientCa', idle)]),
      ...(revocationList === undefined ? [] : [fault('tls.revocationList', idle)]),
    ];
  return [
    ...unusable('tls.clientCa', () => readAuthorities(clientCa!)),
    ...(revocationList === undefined
      ? []
      : unusable('tls.revocationList', () => parseRevocationLists(readFileSync(revocationList, 'utf8')))),
  ];
}

function unusable(of: string, use: () => unknown, setting = of): ConfigIssue[] {
  try {
    use();
    return [];
  } catch (error) {
    return [fault(of, `cannot be used: ${(error as Error).message}`, setting)];
  }
}

function fault(of: string, message: string, setting = of): ConfigIssue {
  return { source: variableName(of.split('.')), setting, message };
}
