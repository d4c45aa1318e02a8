import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectBus, type Bus } from '@trivium/bus';
import { startNats, startProcess, repoRoot, tempDir, type NatsServer, type TempDir } from '@trivium/testing';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, type Called } from '../call.fixture.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const YAML = `
name: temperature
filter: plant/+/temperature
onViolation: reject
contentType: application/json
owner: plant team
description: What each line measures
schema:
  type: object
  required: [value]
  properties: { value: { type: number }, sensor: { $ref: '#/$defs/sensor' } }
  $defs: { sensor: { enum: [a, b] } }
---
- { name: any-plant, filter: 'plant/#', onViolation: tag, schema: true }
- { name: v1.images, filter: camera/+, onViolation: dead-letter, contentType: image/jpeg }
`;

let nats: NatsServer;
let bus: Bus;
let dir: TempDir;
let file = '';
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'test' }, logger: quiet });
  dir = await tempDir();
  file = await written('contracts.yaml', YAML);
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
  await dir.remove();
});

async function written(name: string, text: string): Promise<string> {
  const path = join(dir.path, name);
  await writeFile(path, text);
  return path;
}

const trivium = (
  words: readonly string[],
  { stdin = '', hub = true, env = {} }: { stdin?: string; hub?: boolean; env?: NodeJS.ProcessEnv } = {},
): Promise<Called> => call(words, { stdin, env, bus: hub ? bus : undefined });

describe('check', () => {
  test('says what overlaps, and which one counts there', async () =>
    expect(await trivium(['contracts', 'check', file], { hub: false })).toEqual({
      code: 0,
      out: 'note: temperature and any-plant overlap: temperature counts where both match\n3 contracts, 0 faults\n',
      err: '',
    }));

  test('finds what doors could not use, equal filters and names, and keywords without effect', async () => {
    const bad = await written(
      'bad.json',
      JSON.stringify([
        { name: 'a', filter: 'x/+', onViolation: 'reject', schema: { type: 'string', maxLenght: 1 } },
        { name: 'a', filter: 'y', onViolation: 'tag' },
        { name: 'b', filter: 'x/+', onViolation: 'tag' },
        { name: 'c', filter: 'x/#/y', onViolation: 'tag' },
        { filter: 'z', onViolation: 'tag' },
        7,
      ]),
    );
    const { code, out } = await trivium(['contracts', 'check', bad, '--json'], { hub: false });
    const { ok, faults, notes } = JSON.parse(out) as { ok: boolean; faults: string[]; notes: string[] };
    expect([code, ok]).toEqual([1, false]);
    expect(faults).toEqual([
      expect.stringContaining('bad.json: c: #'),
      expect.stringContaining('bad.json: contract 5:'),
      expect.stringContaining('bad.json: contract 6:'),
      'a: the name is there twice',
      'a and b: the same filter',
    ]);
    expect(notes).toEqual([expect.stringContaining('maxLenght')]);
  });

  test('a file that cannot be read is told in one line', async () => {
    const broken = await written('broken.yaml', 'a: [');
    for (const path of [broken, join(dir.path, 'none.yaml')]) {
      const { code, out, err } = await trivium(['contracts', 'check', path]);
      expect([code, out]).toEqual([1, '']);
      expect(err).toContain(path.split('/').at(-1));
    }
  });
});

describe('the contracts of a hub', () => {
  test('are added, listed, tested and removed', async () => {
    expect((await trivium(['contracts', 'list'])).out).toContain('no contracts');
    expect(await trivium(['contracts', 'add', file])).toMatchObject({
      code: 0,
      out: 'temperature: stored\nany-plant: stored\nv1.images: stored\n',
    });
    const { out } = await trivium(['contracts', 'list']);
    expect(out.split('\n')).toEqual([
      'NAME         FILTER               ON VIOLATION  CONTENT TYPE      OWNER',
      'v1.images    camera/+             dead-letter   image/jpeg',
      'temperature  plant/+/temperature  reject        application/json  plant team',
      'any-plant    plant/#              tag',
      '',
    ]);
    const listed = JSON.parse((await trivium(['contracts', 'list', '--json'])).out) as {
      contracts: object[];
    };
    expect(listed.contracts[1]).toMatchObject({ v: 1, name: 'temperature', schema: { type: 'object' } });

    const sample = (topic: string, stdin: string, ...more: string[]) =>
      trivium(['contracts', 'test', topic, '-', ...more], { stdin });
    expect(await sample('plant/a/temperature', '{"value":1}')).toMatchObject({
      code: 0,
      out: 'keeps contract temperature\n',
    });
    expect(await sample('plant/a/temperature', '{"value":"x"}')).toMatchObject({
      code: 1,
      out: 'contract temperature: /value must be number (reject)\n',
    });
    expect((await sample('camera/1', 'x', '--content-type', 'text/plain')).code).toBe(1);
    expect(await sample('office/a', 'x')).toMatchObject({
      code: 0,
      out: 'no contract for this topic: any payload will do\n',
    });

    const other = await written(
      'other.yaml',
      '{ name: other, filter: plant/+/temperature, onViolation: tag }',
    );
    expect(await trivium(['contracts', 'add', other])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('temperature has the filter'),
    });

    expect(await trivium(['contracts', 'remove', 'any-plant', 'nobody', 'temperature', 'v1.images'])).toEqual(
      {
        code: 1,
        out: 'any-plant: removed\ntemperature: removed\nv1.images: removed\n',
        err: 'trivium: there is no contract nobody\n',
      },
    );
    expect(JSON.parse((await trivium(['contracts', 'list', '--json'])).out)).toEqual({ contracts: [] });
  });

  test('nothing is stored when one of several cannot be used', async () => {
    const bad = await written('half.yaml', '[{ name: a, filter: a, onViolation: tag }, { name: b }]');
    expect((await trivium(['contracts', 'add', bad])).code).toBe(1);
    expect(JSON.parse((await trivium(['contracts', 'list', '--json'])).out)).toEqual({ contracts: [] });
  });
});

describe('what is generated', () => {
  test('types that TypeScript takes, and that say no where the contract does', async () => {
    const { out } = await trivium(['contracts', 'types', file], { hub: false });
    expect(out).toContain('export interface Temperature');
    const source = (text: string): string =>
      `${out}\nconst sample: Contracts['temperature'] = ${text};\nvoid sample;\n`;
    expect(faults(source(`{ value: 1, sensor: 'a' }`))).toEqual([]);
    expect(faults(source(`{ value: 'x' }`))).toHaveLength(1);
    expect(faults(source(`{ value: 1, sensor: 'c' }`))).toHaveLength(1);
  });

  test('an AsyncAPI document with a channel for each contract', async () => {
    const { out } = await trivium(['contracts', 'asyncapi', file], { hub: false });
    expect(JSON.parse(out)).toMatchObject({
      asyncapi: '3.0.0',
      channels: { temperature: { address: 'plant/{level2}/temperature' }, 'v1.images': {}, 'any-plant': {} },
    });
    expect(out).not.toContain('wss');
    const env = { TRIVIUM_WS_TLS_CERT: 'cert.pem', TRIVIUM_AUTH_REQUIRED: 'true' };
    const site = await trivium(['contracts', 'asyncapi', file], { hub: false, env });
    const { servers } = JSON.parse(site.out) as { servers: Record<string, { security: unknown[] }> };
    expect(Object.keys(servers)).toEqual([
      ...['mqtt', 'mqttWebSocket', 'mqttWebSocketTls', 'websocket', 'websocketTls', 'http'],
    ]);
    expect(servers['mqtt']!.security).not.toEqual([]);
  });
});

/** What the compiler says about a module. */
function faults(text: string): string[] {
  const options: ts.CompilerOptions = { strict: true, noEmit: true, noLib: false, types: [] };
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (name, ...more) =>
    name === 'sample.ts'
      ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022)
      : getSourceFile(name, ...more);
  const program = ts.createProgram(['sample.ts'], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .filter(({ file: where }) => where?.fileName === 'sample.ts')
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

describe('the tool', () => {
  test.each([
    [[], 0, 'out', 'Usage: trivium'],
    [['--help'], 0, 'out', 'contracts'],
    [['contracts', '--help'], 0, 'out', 'trivium contracts <subcommand>'],
    [['nonsense'], 78, 'err', 'no command nonsense'],
    [['toString'], 78, 'err', 'no command toString'],
    [['contracts'], 78, 'err', 'missing'],
    [['contracts', 'nonsense'], 78, 'err', 'no nonsense'],
    [['contracts', 'list', 'more'], 78, 'err', 'one word too many'],
    [['contracts', 'test', 'a'], 78, 'err', 'something is missing'],
    [['contracts', 'test', 'a/+', '-'], 78, 'err', 'wildcards'],
    [['contracts', 'list', '--loud'], 78, 'err', '--loud'],
  ] as const)('%j ends with %i', async (words, code, where, text) => {
    const result = await trivium(words, { hub: false });
    expect(result.code).toBe(code);
    expect(result[where]).toContain(text);
  });

  test('runs by its name, finds the hub by the environment and leaves its streams as they are', async () => {
    const before = await bus.lastPos('MESSAGES');
    const process = await startProcess({
      command: 'npx',
      args: ['trivium', 'contracts', 'list', '--json'],
      cwd: repoRoot(),
      env: { TRIVIUM_NATS_URL: nats.url, TRIVIUM_NATS_REPLICAS: '3' },
      ready: /contracts/,
      readyTimeoutMs: 60_000,
    });
    expect(await process.exited).toMatchObject({ code: 0 });
    expect(await bus.lastPos('MESSAGES')).toBe(before);
  });
});
