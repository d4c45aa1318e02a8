import { pick, type Random } from '../random.ts';

/** Bytes that parsers stumble over. */
const AWKWARD = [0x00, 0x0a, 0x0d, 0x22, 0x7b, 0x7f, 0x80, 0xc0, 0xff];
const MOST_EDITS = 4;
const MOST_REPEATS = 64;

/** The bytes with one to four changes, of the kinds that break parsers: bits, lengths, pieces gone, doubled or swapped. Never empty. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let out: Buffer = Buffer.from(bytes);
  for (let edits = 1 + random(MOST_EDITS); edits > 0; edits--) {
    out = edited(out, random);
    if (out.length === 0) out = Buffer.from([random(256)]);
  }
  return out;
}

function edited(bytes: Buffer, random: Random): Buffer {
  const at = random(bytes.length);
  const rest = bytes.length - at;
  switch (random(7)) {
    case 0:
      bytes[at] = random(256);
      return bytes;
    case 1:
      bytes[at] = bytes[at]! ^ (1 << random(8));
      return bytes;
    case 2:
      bytes[at] = pick(random, AWKWARD);
      return bytes;
    case 3: // a piece is gone
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(Math.min(rest, 8)))]);
    case 4: // a piece comes twice
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - random(16)))]);
    case 5: // a byte comes often
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.alloc(1 + random(MOST_REPEATS), random(256)),
        bytes.subarray(at),
      ]);
    default: // cut off
      return bytes.subarray(0, at);
  }
}
