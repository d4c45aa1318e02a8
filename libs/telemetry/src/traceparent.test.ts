import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const hex = (length: number) =>
  fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: length, maxLength: length })
    .map((digits) => digits.map((digit) => digit.toString(16)).join(''))
    .filter((text) => !/^0+$/.test(text));

describe('traceparent', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.constantFrom(0, 1), (traceId, spanId, traceFlags) => {
        const parsed = parseTraceparent(formatTraceparent({ traceId, spanId, traceFlags }));
        expect(parsed).toEqual({ traceId, spanId, traceFlags, isRemote: true });
      }),
    );
  });

  it('takes a later version for what version 00 says, and only the flag it knows', () => {
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-03-what-comes`)).toMatchObject({
      traceId: TRACE,
      spanId: SPAN,
      traceFlags: 1,
    });
  });

  it.each([
    ['empty', ''],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['version 00 with more', `00-${TRACE}-${SPAN}-01-x`],
    ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['short', `00-${TRACE}-${SPAN}-0`],
    ['a blank before', ` 00-${TRACE}-${SPAN}-01`],
    ['a later version of any length', `01-${TRACE}-${SPAN}-01-${'x'.repeat(1000)}`],
  ])('is none when it is malformed: %s', (_, header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 50, maxLength: 60, unit: 'grapheme-ascii' }),
        (text) => void parseTraceparent(text),
      ),
    );
  });
});
