import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvRow, parseCsv } from './csv.ts';

test('rows with quotes, line breaks in fields, either line end, and none at the end', () => {
  expect(parseCsv('name,groups\r\na,"x,y"\n\nb,"say ""hi""\nthere"\nc,')).toEqual([
    ['name', 'groups'],
    ['a', 'x,y'],
    ['b', 'say "hi"\nthere'],
    ['c', ''],
  ]);
  expect(parseCsv('')).toEqual([]);
  expect(() => parseCsv('"a')).toThrow('not closed');
  expect(() => parseCsv('"a"b')).toThrow('between');
});

test('what is written is read again', () => {
  const fields = fc.array(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'ü', ' ') }), {
    minLength: 1,
  });
  fc.assert(
    fc.property(fc.array(fields), (rows) => {
      const seen = rows.filter((row) => row.length > 1 || row[0] !== '');
      expect(parseCsv(rows.map(csvRow).join(''))).toEqual(seen);
    }),
  );
});
