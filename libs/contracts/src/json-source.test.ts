import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memberText } from './json-source.ts';

test.each([
  ['{"payload":1.0}', '1.0'],
  ['{"payload":12345678901234567890}', '12345678901234567890'],
  ['{ "a" : 1 , "payload" : { "b" : [ 1, {"c":"}]"} ] } , "z":2}', '{ "b" : [ 1, {"c":"}]"} ] }'],
  ['{"a":{"payload":1},"payload":[2]}', '[2]'],
  ['{"a":"\\"payload\\":1","payload":null}', 'null'],
  ['{"p\\u0061yload":true}', 'true'],
  ['{"payload":1,"payload":2}', '2'],
  ['\n{\t"payload"\r:"a\\\\" }', '"a\\\\"'],
  ['{"payload":-1e5}', '-1e5'],
])('finds the payload in %j', (json, text) => expect(memberText(json, 'payload')).toBe(text));

test.each(['{}', '{ }', '[]', '1', '"payload"', '{"a":{"payload":1}}', 'null'])('finds none in %j', (json) =>
  expect(memberText(json, 'payload')).toBeUndefined(),
);

test('finds in any object the text that parses to the member', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.jsonValue(),
      fc.nat(4),
      (other, payload, indent) => {
        const json = JSON.stringify({ ...other, payload }, null, indent);
        const found = memberText(json, 'payload');
        expect(found).toBeDefined();
        expect(JSON.stringify(JSON.parse(found ?? ''))).toBe(JSON.stringify(payload));
        expect(json).toContain(found);
      },
    ),
  );
});
