/** The bytes with one to three small changes. Never empty. */
export function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  let out = Buffer.from(bytes);
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const at = random(out.length);
    switch (random(5)) {
      case 0:
        out[at] = random(256);
        break;
      case 1:
        out[at] = out[at]! ^ (1 << random(8));
        break;
      case 2:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + random(4))]);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), Buffer.from([random(256)]), out.subarray(at)]);
        break;
      case 4:
        out[at] = [0x00, 0x7f, 0x80, 0xff][random(4)]!;
        break;
    }
    if (out.length === 0) out = Buffer.from([random(256)]);
  }
  return out;
}
