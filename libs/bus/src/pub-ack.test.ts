import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAck, type Ack } from './pub-ack.ts';

const read = (json: object): Ack => {
  const ack: Ack = { pos: -1, duplicate: true };
  readAck(new TextEncoder().encode(JSON.stringify(json)), ack);
  return ack;
};

describe('readAck', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(
        fc.record({
          domain: fc.option(fc.string({ maxLength: 8 }), { nil: undefined }),
          duplicate: fc.boolean(),
        }),
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        ({ domain, duplicate }, seq) => {
          const ack = { stream: 'MESSAGES', domain, seq, ...(duplicate ? { duplicate } : {}) };
          expect(read(ack)).toEqual({ pos: seq, duplicate });
        },
      ),
    );
  });

  it('takes an error for not stored', () => {
    const error = { code: 400, err_code: 10071, description: 'wrong last sequence: 5' };
    expect(read({ error, stream: 'KV_x', seq: 0 }).pos).toBe(0);
    expect(read({ error }).pos).toBe(0);
  });
});
