import { Parser } from '@asyncapi/parser';
import type { ContractRecord } from '@trivium/contracts';
import { describe, expect, it } from 'vitest';
import { PLAIN_SITE, type DescribedSite } from './asyncapi-servers.ts';
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

const EVERYTHING: DescribedSite = {
  ...{ authRequired: true, clientCertificates: true },
  tls: { mqtt: true, ws: true, http: true },
};

interface Document {
  servers: Record<string, { host: string; protocol: string; security?: { $ref: string }[] }>;
  channels: Record<string, { servers: { $ref: string }[] }>;
  components: { securitySchemes?: Record<string, { type: string }> };
}

const described = (site: DescribedSite): Document =>
  asyncApi({ contracts: CONTRACTS, version: '1', site }) as never;
const addresses = ({ servers }: Document): string[] =>
  Object.values(servers).map(({ protocol, host }) => `${protocol} ${host.replace('{host}', '')}`);
/** The types of the schemes by which one says at a server who one is. */
const waysIn = ({ servers, components }: Document, name: string): string[] | undefined =>
  servers[name]?.security?.map(({ $ref }) => components.securitySchemes![$ref.split('/').at(-1)!]!.type);

describe('the servers of the AsyncAPI document', () => {
  it('are those without TLS, open to all, unless the site has more', () => {
    const document = described(PLAIN_SITE);
    expect(addresses(document)).toEqual(['mqtt :1883', 'ws :8083', 'ws :8083', 'http :8080']);
    expect(JSON.stringify(document)).not.toContain('security');
    expect(document).toEqual(asyncApi({ contracts: CONTRACTS, version: '1' }));
  });

  it('are those with TLS too, of the doors that have it, on every channel', () => {
    const all = described({ ...PLAIN_SITE, tls: EVERYTHING.tls });
    expect(addresses(all)).toEqual([
      ...['mqtt :1883', 'mqtts :8883', 'ws :8083', 'wss :8084', 'ws :8083', 'wss :8084'],
      ...['http :8080', 'https :8443'],
    ]);
    const servers = (name: string) => all.channels[name]!.servers.map(({ $ref }) => $ref.split('/').at(-1));
    expect(servers('images')).toEqual(Object.keys(all.servers));
    expect(servers('trivium.publish')).toEqual(['http', 'httpTls']);
    const some = described({ ...PLAIN_SITE, tls: { mqtt: true, ws: false, http: false } });
    expect(addresses(some)).toEqual(['mqtt :1883', 'mqtts :8883', 'ws :8083', 'ws :8083', 'http :8080']);
  });

  it('say by what one gets in where nobody gets in without', () => {
    const document = described(EVERYTHING);
    expect(waysIn(document, 'mqtt')).toEqual(['userPassword', 'apiKey', 'scramSha256']);
    expect(waysIn(document, 'mqttTls')).toEqual(['userPassword', 'apiKey', 'scramSha256', 'X509']);
    expect(waysIn(document, 'websocket')).toEqual(['http', 'http', 'httpApiKey']);
    expect(waysIn(document, 'httpTls')).toEqual(['http', 'http', 'httpApiKey', 'X509']);
    const noCertificates = described({ ...EVERYTHING, clientCertificates: false });
    expect(JSON.stringify(noCertificates)).not.toContain('X509');
  });
});

describe('the AsyncAPI document', () => {
  it.each([
    ['with contracts', CONTRACTS, PLAIN_SITE],
    ['without', [], PLAIN_SITE],
    ['with TLS and credentials', CONTRACTS, EVERYTHING],
  ])('%s is valid by the reference parser', async (_name, contracts, site) => {
    const text = JSON.stringify(asyncApi({ contracts, version: '1.2.3', site }));
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
