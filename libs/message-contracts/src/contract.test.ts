import type { ContractRecord } from '@trivium/contracts';
import { describe, expect, it } from 'vitest';
import { compileContract, type Contract } from './contract.ts';
import { createSchemaCompiler } from './schema-compiler.ts';

const compiler = createSchemaCompiler();
const bytes = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

function raw(more: Partial<ContractRecord>): ContractRecord {
  return { v: 1, name: 'temperature', filter: 'plant/+/temperature', onViolation: 'reject', ...more };
}
function contract(more: Partial<ContractRecord>): Contract {
  const compiled = compileContract(raw(more), compiler);
  if (!compiled.ok) throw new Error(compiled.error.message);
  return compiled.value;
}
function refusal(more: Partial<ContractRecord>): string | undefined {
  const compiled = compileContract(raw(more), compiler);
  return compiled.ok ? undefined : compiled.error.message;
}

const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['value'],
  properties: {
    value: { type: 'number', maximum: 200 },
    unit: { enum: ['C', 'F'] },
    at: { type: 'string', format: 'date-time' },
    path: { type: 'array', prefixItems: [{ type: 'string' }], items: false },
  },
  additionalProperties: false,
};

describe('a payload', () => {
  const temperature = contract({ schema: SCHEMA });
  it.each([{ value: 21.5 }, { value: 0, unit: 'F', at: '2026-01-01T00:00:00Z', path: ['a'] }])(
    'that fits: %j',
    (value) => expect(temperature.violation(bytes(value), undefined)).toBeUndefined(),
  );

  it.each<[unknown, string, string]>([
    [{}, '', "the payload must have required property 'value'"],
    [{ value: 'hot' }, '/value', '/value must be number'],
    [{ value: 201 }, '/value', '/value must be <= 200'],
    [{ value: 1, unit: 'K' }, '/unit', '/unit must be equal to one of the allowed values: "C", "F"'],
    [{ value: 1, at: 'noon' }, '/at', '/at must match format "date-time"'],
    [{ value: 1, path: ['a', 'b'] }, '/path', '/path must NOT have more than 1 items'],
    [{ value: 1, more: 1 }, '', 'the payload must NOT have additional properties: more'],
    ['21.5', '', 'the payload must be object'],
    ['{"value":', '', 'the payload is not JSON'],
    ['', '', 'the payload is not JSON'],
  ])('that does not: %j', (value, path, sentence) =>
    expect(temperature.violation(bytes(value), undefined)).toEqual({
      contract: 'temperature',
      policy: 'reject',
      path,
      message: `contract temperature: ${sentence}`,
    }),
  );

  it('is UTF-8', () =>
    expect(temperature.violation(Buffer.from([0x22, 0xff, 0x22]), undefined)?.message).toContain(
      'not UTF-8',
    ));

  it('gets a message that every protocol can carry, whatever the payload says', () => {
    const found = temperature.violation(
      bytes(`{"value":1,"\\u0000\\ud800${'x'.repeat(1000)}":1}`),
      undefined,
    );
    expect(found?.message).toMatch(/additional properties: \ufffd\ufffdx+$/);
    expect(found?.message.length).toBeLessThanOrEqual(500);
  });
});

describe('a content type', () => {
  const json = contract({ contentType: 'application/json; charset=utf-8' });
  it.each(['application/json', 'Application/JSON;charset=UTF-8', undefined])('%s will do', (said) =>
    expect(json.violation(bytes('anything'), said)).toBeUndefined(),
  );
  it('that is another one will not', () =>
    expect(json.violation(bytes('anything'), 'text/plain')?.message).toBe(
      'contract temperature: the payload is text/plain, not application/json; charset=utf-8',
    ));
});

describe('what is no contract', () => {
  it.each<[string, Partial<ContractRecord>, RegExp]>([
    ['a name with blanks', { name: 'a b' }, /\/name/],
    ['a filter that is none', { filter: 'a/#/b' }, /# stands alone/],
    ['a shared subscription', { filter: '$share/g/a' }, /shared/],
    ['an unknown policy', { onViolation: 'shout' as never }, /\/onViolation/],
    ['an empty content type', { contentType: ' ; charset=utf-8' }, /media type/],
    ['a schema with an unknown type', { schema: { type: 'text' } }, /schema/],
    ['an unknown format', { schema: { format: 'postcode' } }, /postcode/],
    [
      'a schema of another draft',
      { schema: { $schema: 'http://json-schema.org/draft-07/schema#' } },
      /2020-12/,
    ],
    ['a remote reference', { schema: { $ref: 'https://example.com/schema' } }, /leads out/],
    ['an id within', { schema: { items: { $id: 'item' } } }, /\$id/],
    ['a reference to nothing', { schema: { $ref: '#/$defs/a' } }, /no schema at this place/],
    [
      'a reference to what is no schema',
      { schema: { properties: { a: { $ref: '#/extra' } }, extra: {} } },
      /no schema at this place/,
    ],
    ['a pattern with look-behind', { schema: { pattern: '(?<=a)b' } }, /schema/],
    ['a pattern with a back-reference', { schema: { pattern: '(a)\\1' } }, /schema/],
    ['uniqueItems without a bound', { schema: { uniqueItems: true } }, /maxItems/],
    ['a large schema', { schema: { enum: ['x'.repeat(70_000)] } }, /bytes of schema/],
    [
      'a deep schema',
      { schema: Array.from({ length: 70 }).reduce<object>((inner) => ({ not: inner }), {}) as never },
      /within each other/,
    ],
  ])('%s', (_what, more, reason) => expect(refusal(more)).toMatch(reason));
});

describe('a payload that was made to keep the hub busy', () => {
  it('meets patterns that take linear time', () => {
    const evil = contract({ schema: { pattern: '^(a+)+$' } });
    expect(evil.violation(bytes(JSON.stringify(`${'a'.repeat(100_000)}!`)), undefined)?.message).toContain(
      'pattern',
    );
  });

  it('is given up where the schema refers to itself too often', () => {
    const twice = { allOf: [{ $ref: '#/$defs/0' }, { $ref: '#/$defs/0' }] };
    const $defs = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [
        i,
        { allOf: [{ $ref: `#/$defs/${i + 1}` }, { $ref: `#/$defs/${i + 1}` }] },
      ]),
    );
    const doubling = contract({ schema: { ...twice, $defs: { ...$defs, 40: true } } });
    expect(doubling.violation(bytes('1'), undefined)?.message).toContain('too many steps');
  });

  it('is given up where it is nested too deeply', () => {
    const nested = contract({ schema: { type: 'array', items: { $ref: '#' } } });
    const deep = `${'['.repeat(60_000)}${']'.repeat(60_000)}`;
    expect(nested.violation(bytes(deep), undefined)?.message).toMatch(/nested too deeply|not JSON/);
    expect(nested.violation(bytes('[[[]]]'), undefined)).toBeUndefined();
  });
});

it('a keyword that means nothing is no fault, but is said', () =>
  expect(contract({ schema: { type: 'string', maxLenght: 3 } }).warnings.join()).toContain('maxLenght'));

it('patterns are those of ECMAScript as far as RE2 has them, each schema its own', () => {
  const digits = contract({ schema: { pattern: '^\\d{3}$' } });
  const letters = contract({ schema: { pattern: '^\\p{L}+$' } });
  const found = [digits, letters].map((each) =>
    ['"123"', '"abc"', '"ü"'].map((value) => each.violation(bytes(value), undefined) === undefined),
  );
  expect(found).toEqual([
    [true, false, false],
    [false, true, true],
  ]);
});

it('the id of a document is its own business', () => {
  const named = {
    $id: 'https://example.com/temperature',
    $defs: { n: { type: 'number' } },
    $ref: '#/$defs/n',
  };
  for (const _ of [1, 2])
    expect(contract({ schema: named }).violation(bytes('"1"'), undefined)).toBeDefined();
});

it('references within the document are followed', () => {
  const tree = contract({
    schema: { $defs: { 'a/b': { type: 'integer' } }, items: { $ref: '#/$defs/a~1b' }, type: 'array' },
  });
  expect(tree.violation(bytes('[1,2]'), undefined)).toBeUndefined();
  expect(tree.violation(bytes('[1,"2"]'), undefined)?.path).toBe('/1');
});
