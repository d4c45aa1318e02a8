import { pairOf, type PairFiles } from './certificate-pair.ts';
import type { DoorTlsConfig, TlsConfig } from './config.ts';

/** The files that make the TLS of one listener. */
export interface TlsFiles {
  /** Of clients that ask for no host, or for none of `hosts`. */
  readonly own: PairFiles;
  readonly hosts: ReadonlyMap<string, PairFiles>;
  readonly clientCa: string | undefined;
  readonly revocationList: string | undefined;
}

/** Those of a door: its own certificate, else the one of all doors; undefined when there is neither. */
export function tlsFilesOf(door: Omit<DoorTlsConfig, 'tlsPort'>, tls: TlsConfig): TlsFiles | undefined {
  const ownSet = door.tlsCert !== undefined || door.tlsKey !== undefined;
  const cert = ownSet ? door.tlsCert : tls.cert;
  const key = ownSet ? door.tlsKey : tls.key;
  if (cert === undefined || key === undefined) return undefined;
  return {
    own: { cert, key },
    hosts: new Map(Object.entries(tls.hosts).flatMap(([host, files]) => hostEntry(host, files))),
    clientCa: tls.clientCa,
    revocationList: tls.revocationList,
  };
}

function hostEntry(host: string, files: string): [string, PairFiles][] {
  const pair = pairOf(files);
  return pair === undefined ? [] : [[host.toLowerCase(), pair]];
}

/** The names of all of them. */
export function pathsOf({ own, hosts, clientCa, revocationList }: TlsFiles): string[] {
  const pairs = [own, ...hosts.values()].flatMap(({ cert, key }) => [cert, key]);
  return [...pairs, clientCa, revocationList].filter((path) => path !== undefined);
}
