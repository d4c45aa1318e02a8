/** One value of DER (X.690): its tag, what is in it, and all of it. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

export const DER = { integer: 0x02, sequence: 0x30, utcTime: 0x17, generalizedTime: 0x18 } as const;

/** The values that stand one after another in `bytes`. @throws when it is no DER */
export function derValues(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; at += values.at(-1)!.whole.length) values.push(derValue(bytes, at));
  return values;
}

function derValue(bytes: Uint8Array, begin: number): DerValue {
  const tag = bytes[begin]!;
  let at = begin + 1;
  let length = bytes[at++] ?? 0;
  if (length >= 0x80) {
    let more = length & 0x7f;
    if (more === 0 || more > 4) throw new Error('no DER: a length of more than four bytes');
    for (length = 0; more > 0; more--) length = length * 256 + (bytes[at++] ?? 0);
  }
  if (at + length > bytes.length) throw new Error('no DER: it ends within a value');
  return { tag, content: bytes.subarray(at, at + length), whole: bytes.subarray(begin, at + length) };
}
