/** `first` is the first byte of the packet, `body` what follows its length; valid during the call only. */
export type PacketHandler = (first: number, body: Buffer) => void;

const MAX_LENGTH_BYTES = 4;

/** Cuts a byte stream into MQTT packets. What it returns takes the next chunk and throws on a malformed length. */
export function createPacketReader(handle: PacketHandler): (chunk: Buffer) => void {
  let carry: Buffer | undefined;
  return (chunk) => {
    const bytes = carry === undefined ? chunk : Buffer.concat([carry, chunk]);
    const used = cut(bytes, handle);
    carry = used < bytes.length ? bytes.subarray(used) : undefined;
  };
}

/** The number of bytes that were whole packets. */
function cut(bytes: Buffer, handle: PacketHandler): number {
  let at = 0;
  while (at + 2 <= bytes.length) {
    let length = 0;
    let start = at + 1;
    for (let shift = 0; ; shift += 7) {
      if (start >= bytes.length) return at;
      const byte = bytes[start++] as number;
      length += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
      if (start - at > MAX_LENGTH_BYTES) throw new Error('malformed remaining length');
    }
    if (start + length > bytes.length) return at;
    handle(bytes[at] as number, bytes.subarray(start, start + length));
    at = start + length;
  }
  return at;
}
