import { Parser } from '@asyncapi/parser';
import type { ContractRecord } from '@trivium/contracts';
import { describe, expect, it } from 'vitest';
import { asyncApi } from './asyncapi.ts';

const contract = (name: string, filter: string, more: Partial<ContractRecord> = {}): ContractRecord => ({
  ...{ v: 1, name, filter, onViolation: 'reject' },
  ...more,
});

const CONTRACTS: readonly ContractRecord[] = [
  contract('temperature', 'plant/+/temperature', {
    ...{ description: 'Of each line', owner: 'plant team', contentType: 'application/json' },
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'https://example.com/t',
      type: 'object',
      required: ['value'],
      properties: { value: { type: 'number' }, sensors: { type: 'array', items: { $ref: '#/$defs/a~1b' } } },
      $defs: { 'a/b': { $anchor: 'sensor', type: 'string' } },
    },
  }),
  contract('tree', '#', {
    schema: { type: 'object', properties: { next: { $ref: '#' } } },
    onViolation: 'tag',
  }),
  contract('anchored', '+/+/x{y}', {
    schema: { $ref: '#n', $defs: { n: { $anchor: 'n', type: 'number' } } },
  }),
  contract('images', 'camera/+/#', { contentType: 'image/jpeg', onViolation: 'dead-letter' }),
  contract('anything', 'any', { schema: true }),
];

describe('the AsyncAPI document', () => {
  it.each([
    ['with contracts', CONTRACTS],
    ['without', []],
  ])('%s is valid by the reference parser', async (_name, contracts) => {
    const text = JSON.stringify(asyncApi({ contracts, version: '1.2.3' }));
    const { document, diagnostics } = await new Parser().parse(text);
    const faults = diagnostics.filter(({ severity }) => severity <= 1);
    expect(faults.map(({ message, path }) => `${path.join('/')}: ${message}`)).toEqual([]);
    expect(document!.info().version()).toBe('1.2.3');
    expect(document!.allChannels().length).toBe(contracts.length + 5);
  });

  it('has a channel for each contract, with the doors, the schema and the policy', () => {
    const document = asyncApi({ contracts: CONTRACTS, version: '1' }) as never as {
      channels: Record<string, Record<string, unknown>>;
      components: { schemas: Record<string, { properties: object; $ref: string }> };
    };
    expect(document.channels['temperature']).toMatchObject({
      address: 'plant/{level2}/temperature',
      description: 'Of each line',
      parameters: { level2: {} },
      messages: {
        temperature: {
          contentType: 'application/json',
          payload: { $ref: '#/components/schemas/temperature' },
        },
      },
      'x-topic-filter': 'plant/+/temperature',
      'x-on-violation': 'reject',
      'x-owner': 'plant team',
    });
    expect(document.channels['images']).toMatchObject({ address: 'camera/{level2}/{rest}' });
    expect(document.channels['anchored']).toMatchObject({ address: '{level1}/{level2}/x%7By%7D' });
    const { schemas } = document.components;
    expect(schemas['temperature']).toMatchObject({
      properties: { sensors: { items: { $ref: '#/components/schemas/temperature/$defs/a~1b' } } },
    });
    expect(schemas['tree']?.properties).toEqual({ next: { $ref: '#/components/schemas/tree' } });
    expect(schemas['anchored']?.$ref).toBe('#/components/schemas/anchored/$defs/n');
    expect(JSON.stringify(schemas)).not.toContain('example.com');
  });
});
