import { randomFrom } from '@trivium/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as any from '../testing/arbitraries.ts';
import { encodeControlPacket, packet } from '../testing/client-packets.ts';
import { mutate } from '../testing/mutation.ts';
import { decodeControlPacket } from './decode.ts';
import { AFTER_CONNECT } from './first-byte.ts';
import { FrameSplitter } from './frame-splitter.ts';
import type { ProtocolLevel } from './packet-type.ts';
import { PublishView } from './publish-view.ts';

/** Fixed, so that a failure is the same for everybody; a longer run takes another from the environment. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_122);
const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 20_000);

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
