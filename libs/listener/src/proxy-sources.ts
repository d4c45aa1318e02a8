import { BlockList, isIP, isIPv4 } from 'node:net';
import { variableName, type ConfigIssue } from '@trivium/service';
import type { ProxyConfig } from './config.ts';

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Whether a connection from this address is one of a proxy. Without sources, none is. */
export function createProxySources({ sources }: ProxyConfig): (address: string) => boolean {
  if (sources.length === 0) return () => false;
  const list = new BlockList();
  for (const source of sources) {
    const range = rangeOf(source);
    if (range !== undefined) list.addSubnet(range.network, range.bits, range.family);
  }
  return (address) => {
    const bare = MAPPED.exec(address)?.[1] ?? address;
    return isIP(bare) !== 0 && list.check(bare, isIPv4(bare) ? 'ipv4' : 'ipv6');
  };
}

export function proxyFaults({ sources }: ProxyConfig): ConfigIssue[] {
  return sources
    .filter((source) => rangeOf(source) === undefined)
    .map((source) => ({
      source: variableName(['proxy', 'sources']),
      setting: 'proxy.sources',
      message: `${JSON.stringify(source)} is no address and no network: 10.0.0.7, 10.0.0.0/8, fd00::/8`,
    }));
}

/** An address alone is a network of one. */
function rangeOf(text: string) {
  const [network = '', bits, ...rest] = text.split('/');
  const version = isIP(network);
  const most = version === 4 ? 32 : 128;
  if (version === 0 || rest.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return undefined;
  const length = bits === undefined ? most : Number(bits);
  if (length > most) return undefined;
  return { network, bits: length, family: version === 4 ? ('ipv4' as const) : ('ipv6' as const) };
}
