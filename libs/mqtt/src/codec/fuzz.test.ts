import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as any from '../testing/arbitraries.ts';
import { encodeControlPacket, packet } from '../testing/client-packets.ts';
import { decodeControlPacket } from './decode.ts';
import { AFTER_CONNECT } from './first-byte.ts';
import { FrameSplitter } from './frame-splitter.ts';
import type { ProtocolLevel } from './packet-type.ts';
import { PublishView } from './publish-view.ts';

/** Fixed, so that a failure is the same for everybody; a longer run takes another from the environment. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_122);
const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 20_000);

/** mulberry32 */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
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

/** One packet with its remaining length put right, so that the body is reached and not only the header. */
function repaired(bytes: Buffer, random: (below: number) => number): Buffer {
  return random(4) === 0 ? bytes : packet(bytes[0]!, bytes.subarray(Math.min(2, bytes.length)));
}

test(`mutated packets, seed ${SEED}: nothing throws, and what is accepted says exactly what its bytes say`, () => {
  const random = randomFrom(SEED);
  const view = new PublishView();
  let accepted = 0;
  let refused = 0;
  for (const level of [3, 4, 5] as const satisfies readonly ProtocolLevel[]) {
    const seeds = fc.sample(fc.oneof(any.connect(level), any.publish(level), any.later(level)), {
      seed: SEED,
      numRuns: 400,
    });
    for (let round = 0; round < ROUNDS / 3; round++) {
      const bytes = repaired(mutate(seeds[random(seeds.length)]!, random), random);
      const splitter = new FrameSplitter(10_000);
      splitter.accepted = AFTER_CONNECT[level];
      splitter.feed(bytes);
      while (splitter.next()) {
        const { first, buffer, start, end } = splitter;
        if (first >> 4 === 3) {
          const ok = view.read(first, buffer, start, end, level);
          if (ok)
            expect(
              start + 2 <= view.topicEnd && view.topicEnd <= view.payloadStart && view.payloadStart <= end,
            ).toBe(true);
          continue;
        }
        const decoded = decodeControlPacket(first, buffer, start, end, level);
        if (!decoded.ok) {
          refused++;
          expect(decoded.error.code).toMatch(/^protocol\./);
          continue;
        }
        accepted++;
        const meant = decoded.value.type === 'connect' ? decoded.value.level : level;
        const again = encodeControlPacket(decoded.value, meant);
        if (meant < 5 && !(meant === 3 && decoded.value.type === 'connect')) {
          expect(again.subarray(again.length - (end - start))).toEqual(buffer.subarray(start, end));
        }
        const body = again.subarray(again.findIndex((byte, i) => i > 0 && byte < 0x80) + 1);
        expect(decodeControlPacket(again[0]!, body, 0, body.length, level)).toEqual(decoded);
      }
    }
  }
  // Both sides of the border are well visited.
  expect(accepted).toBeGreaterThan(ROUNDS / 20);
  expect(refused).toBeGreaterThan(ROUNDS / 10);
});
