import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { expect, it } from 'vitest';
import { publishedSchema } from './published-schema.ts';
import { serviceSchema } from './sections.ts';

const schema = publishedSchema([
  serviceSchema(9101, { mqtt: Type.Object({ port: Type.Integer({ default: 1883, description: 'Port' }) }) }),
  serviceSchema(9103, { http: Type.Object({ tls: Type.Object({ keyFile: Type.String() }) }) }),
]) as { properties: Record<string, { properties: Record<string, Record<string, unknown>> }> };

it('has the sections of every service, with descriptions and defaults', () => {
  expect(Object.keys(schema.properties)).toEqual(
    expect.arrayContaining(['dataDir', 'nats', 'admin', 'mqtt', 'http']),
  );
  expect(schema.properties['mqtt']?.properties['port']).toEqual({
    type: 'integer',
    default: 1883,
    description: 'Port',
  });
});

it('leaves out a default that differs between services', () => {
  expect(schema.properties['admin']?.properties['port']).not.toHaveProperty('default');
  expect(schema.properties['admin']?.properties['host']).toHaveProperty('default', '127.0.0.1');
});

it('requires nothing and refuses what it does not know', () => {
  expect(Value.Check(schema, {})).toBe(true);
  expect(Value.Check(schema, { mqtt: { port: 1 }, http: { tls: {} } })).toBe(true);
  expect(Value.Check(schema, { mqtt: { prot: 1 } })).toBe(false);
  expect(Value.Check(schema, { http: { tls: { key: 1 } } })).toBe(false);
  expect(Value.Check(schema, { mqtt: { port: 'x' } })).toBe(false);
});

it('is plain JSON', () => {
  expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  expect(JSON.stringify(schema)).not.toContain('~');
});
