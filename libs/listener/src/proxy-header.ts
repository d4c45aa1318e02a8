import { isIPv4, isIPv6 } from 'node:net';

/**
 * The header of the PROXY protocol at the beginning of `bytes`, versions 1 and 2 (haproxy.org, proxy-protocol.txt; clauses are its
 * sections). `more`: it is not whole yet.
 */
export type ProxyHeader =
  | { readonly kind: 'more' }
  | { readonly kind: 'malformed'; readonly reason: string }
  /** It took the first `length` bytes. Without an address the connection is the proxy's own, or it does not know. */
  | { readonly kind: 'header'; readonly length: number; readonly client: ProxiedClient | undefined };

export interface ProxiedClient {
  readonly address: string;
  readonly port: number;
}

const V1_BEGIN = Buffer.from('PROXY ');
/** [2.1] With the CRLF. */
const V1_MOST_BYTES = 107;
const V2_BEGIN = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED_BYTES = 16;
/** Far more than addresses, names and certificate details of a proxy take; [2.2] would allow 65,535. */
const V2_MOST_BYTES = 4_096;

const MORE: ProxyHeader = { kind: 'more' };
const malformed = (reason: string): ProxyHeader => ({ kind: 'malformed', reason });

export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (beginsLike(bytes, V2_BEGIN)) return bytes.length < V2_FIXED_BYTES ? MORE : readV2(bytes);
  if (beginsLike(bytes, V1_BEGIN)) return readV1(bytes);
  return malformed('it does not begin with a PROXY header');
}

/** As far as both go. */
function beginsLike(bytes: Buffer, begin: Buffer): boolean {
  const length = Math.min(bytes.length, begin.length);
  return bytes.compare(begin, 0, length, 0, length) === 0;
}

/** [2.1] `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443`, CRLF. */
function readV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_MOST_BYTES).indexOf('\r\n');
  if (end < 0) return bytes.length < V1_MOST_BYTES ? MORE : malformed('a header of version 1 has no end');
  const length = end + 2;
  const words = bytes.toString('latin1', 0, end).split(' ');
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = ''] = words;
  if (family === 'UNKNOWN') return { kind: 'header', length, client: undefined };
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined;
  if (isAddress === undefined) return malformed('a header of version 1 is of no family that is known');
  if (words.length !== 6 || !isAddress(source) || !isAddress(destination))
    return malformed('a header of version 1 has other addresses than its family');
  if (!isPort(sourcePort) || !isPort(destinationPort)) return malformed('a header of version 1 has no ports');
  return { kind: 'header', length, client: { address: plain(source), port: Number(sourcePort) } };
}

const isPort = (text: string): boolean => /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;

/** [2.2] */
function readV2(bytes: Buffer): ProxyHeader {
  const [version, command] = [bytes[12]! >> 4, bytes[12]! & 0x0f];
  if (version !== 2 || command > 1) return malformed('a header of version 2 has another version or command');
  const family = bytes[13]!;
  const length = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (length > V2_MOST_BYTES) return malformed(`a header of version 2 has ${length} bytes`);
  const addressBytes = V2_ADDRESS_BYTES.get(family);
  if (addressBytes === undefined) return malformed('a header of version 2 is of no family that is known');
  const isLocal = command === 0;
  if (!isLocal && length < V2_FIXED_BYTES + addressBytes)
    return malformed('a header of version 2 is shorter than its addresses');
  if (bytes.length < length) return MORE;
  return {
    kind: 'header',
    length,
    client: isLocal ? undefined : v2Client(family, bytes.subarray(V2_FIXED_BYTES)),
  };
}

const TCP4 = 0x11;
const TCP6 = 0x21;
/** Of source and destination and their ports, by family; those of UNIX sockets and of none are of no use here. Datagrams do not come by TCP. */
const V2_ADDRESS_BYTES = new Map([
  [TCP4, 12],
  [TCP6, 36],
  [0x31, 216],
  [0x00, 0],
]);

function v2Client(family: number, block: Buffer): ProxiedClient | undefined {
  if (family === TCP4) return { address: block.subarray(0, 4).join('.'), port: block.readUInt16BE(8) };
  if (family !== TCP6) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => block.readUInt16BE(2 * i).toString(16));
  return { address: plain(groups.join(':')), port: block.readUInt16BE(32) };
}

/** As an address of a socket is written: the shortest form, and IPv4 as IPv4. */
function plain(address: string): string {
  if (isIPv4(address)) return address;
  const short = new URL(`http://[${address.split('%', 1)[0]}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short) ?? [];
  if (high === undefined || low === undefined) return short;
  const [h, l] = [parseInt(high, 16), parseInt(low, 16)];
  return [h >> 8, h & 0xff, l >> 8, l & 0xff].join('.');
}
