import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elementsOf, linesOf, type BatchText } from './batch-text.ts';

/** What comes of a body that arrives in chunks of these sizes: the text of an item, or the code of a refusal, `!` when it is the last. */
function cut(text: BatchText, body: string | Buffer, sizes: readonly number[] = []): string[] {
  const seen: string[] = [];
  const note = (pieces: ReturnType<BatchText['push']>): void => {
    for (const piece of pieces)
      seen.push(
        piece.refusal === undefined
          ? Buffer.from(piece.bytes).toString()
          : piece.refusal.code + (piece.last ? '!' : ''),
      );
  };
  let rest = Buffer.from(body);
  for (let i = 0; rest.length > 0; i++) {
    const size = sizes.length === 0 ? rest.length : sizes[i % sizes.length]!;
    note(text.push(rest.subarray(0, size)));
    rest = rest.subarray(size);
  }
  note(text.end());
  return seen;
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 10 });

describe('a JSON array', () => {
  test('any elements, indented in any way and in chunks of any size, come out as they are', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(0, 2), sizes, (values, indent, chunks) => {
        const items = cut(elementsOf(1 << 20), `\n ${JSON.stringify(values, null, indent)}\r\n`, chunks);
        expect(items.map((item) => JSON.parse(item) as unknown)).toEqual(JSON.parse(JSON.stringify(values)));
      }),
    );
  });

  test.each([
    ['[]', []],
    [' [ ] ', []],
    ['["]", "\\"],[", {"a":"}"}]', ['"]"', '"\\"],["', '{"a":"}"}']],
    ['', ['protocol.malformed!']],
    ['{"topic":"a"}', ['protocol.malformed!']],
    ['[1', ['protocol.malformed!']],
    ['[1,', ['1', 'protocol.malformed!']],
    ['[1,]', ['1', 'protocol.malformed!']],
    ['[,1]', ['protocol.malformed!']],
    ['[1]]', ['1', 'protocol.malformed!']],
    ['[1] [2]', ['1', 'protocol.malformed!']],
    ['[{"a":[1]', ['protocol.malformed!']],
  ])('%s', (body, items) => {
    expect(cut(elementsOf(100), body)).toEqual(items);
    expect(cut(elementsOf(100), body, [1])).toEqual(items);
  });

  test('an element that is too long is refused, and the next one comes', () => {
    const body = `[${JSON.stringify('x'.repeat(200))},1]`;
    for (const chunks of [[], [1], [50]])
      expect(cut(elementsOf(100), body, chunks)).toEqual(['payload.too-large', '1']);
  });
});

describe('lines', () => {
  test('any values in chunks of any size', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom('\n', '\r\n'), sizes, (values, end, chunks) => {
        const items = cut(
          linesOf(1 << 20),
          values.map((value) => JSON.stringify(value) + end).join(''),
          chunks,
        );
        expect(items.map((item) => JSON.parse(item) as unknown)).toEqual(JSON.parse(JSON.stringify(values)));
      }),
    );
  });

  test.each([
    ['', []],
    ['\n \r\n\n', []],
    ['1', ['1']],
    ['1\n\n2\n', ['1', '2']],
    ['   ', []],
    [' 1', [' 1']],
    [`${'x'.repeat(101)}\n2`, ['payload.too-large', '2']],
  ])('%j', (body, items) => {
    expect(cut(linesOf(100), body)).toEqual(items);
    expect(cut(linesOf(100), body, [1])).toEqual(items.map((item) => item.trim()));
  });
});
