import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { storedPolicies } from '@trivium/identity';
import { tempDir, type TempDir } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { call, type Called } from '../call.fixture.ts';
import { startHub, type HubUnderTest } from '../hub.fixture.ts';

/** That of the help. */
const PUMPS = `
name: pumps
groups: [pumps]
statements:
  - { effect: allow, actions: [connect], clients: ['\${principal}'] }
  - { effect: allow, actions: [publish], topics: ['plant/\${device.site}/\${clientId}/#'] }
  - { effect: allow, actions: [subscribe, receive], topics: ['plant/\${device.site}/#'] }
  - { effect: deny, actions: [receive], topics: ['plant/+/secret'] }
`;

let hub: HubUnderTest;
let dir: TempDir;
let file = '';
beforeAll(async () => {
  hub = await startHub();
  dir = await tempDir();
  file = await written('pumps.yaml', PUMPS);
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await dir.remove();
});
beforeEach(async () => {
  for (const name of ['devices', 'policies'] as const)
    for (const { key } of await hub.bus.bucket(name).entries()) await hub.bus.bucket(name).delete(key);
});

async function written(name: string, text: string): Promise<string> {
  const path = join(dir.path, name);
  await writeFile(path, text);
  return path;
}

describe('check', () => {
  test('finds every fault by its place, and needs no hub', async () => {
    expect(await call(['policies', 'check', file])).toEqual({
      ...{ code: 0, out: '1 policies that can be used, 0 faults\n', err: '' },
    });
    const bad = await written(
      'bad.yaml',
      `- { name: a, groups: [x], statements: [{ effect: allow, actions: [publish] }] }
- { name: b, groups: [x], statements: [{ effect: allow, actions: [publish], topics: ['a/\${device}', 'b/#/c'] }] }
- { groups: [x] }
- 7
`,
    );
    const { code, out } = await call(['policies', 'check', bad, file, '--json']);
    const { ok, policies, faults } = JSON.parse(out) as { ok: boolean; policies: string[]; faults: string[] };
    expect([code, ok, policies]).toEqual([1, false, ['pumps']]);
    for (const place of [
      'bad.yaml: a: /statements/0/actions/0',
      'b: /statements/0/topics/0',
      'b: /statements/0/topics/1',
      'policy 3:',
      'policy 4:',
    ])
      expect(faults).toContainEqual(expect.stringContaining(place));
    expect(await call(['policies', 'check', file, file])).toMatchObject({
      ...{ code: 1, out: expect.stringContaining('there twice') as string },
    });
  });
});

describe('the policies of a hub', () => {
  test('are added, listed, shown, removed; a built-in one gives way to a stored one', async () => {
    expect((await hub.done('policies list')).match(/built-in\.\w+/g)).toHaveLength(4);
    expect(await hub.done(`policies add ${file}`)).toBe('pumps: stored\n');
    expect(await hub.done(`policies add ${file}`)).toBe('pumps: replaced\n');
    const devices = await written(
      'devices.yaml',
      PUMPS.replace('name: pumps', 'name: all').replace('[pumps]', '[devices]'),
    );
    await hub.done(`policies add ${devices}`);
    const listed = await hub.done('policies list');
    expect(listed).toContain('pumps                    pumps           4');
    expect(listed).not.toContain('built-in.devices');
    const { policies, builtIn } =
      await hub.json<Record<'policies' | 'builtIn', { name: string }[]>>('policies list');
    expect(policies.map(({ name }) => name)).toEqual(['all', 'pumps']);
    expect(builtIn.map(({ name }) => name)).not.toContain('built-in.devices');

    const shown = await hub.done('policies show pumps built-in.operators');
    const again = await written('again.yaml', shown.split('---\n')[0]!);
    const before = await storedPolicies(hub.bus);
    await hub.done(`policies add ${again}`);
    expect(await storedPolicies(hub.bus)).toEqual(before);

    expect(await hub.trivium(['policies', 'remove', 'pumps', 'nobody'])).toEqual({
      ...{ code: 1, out: 'pumps: removed\n', err: 'trivium: there is no policy nobody\n' },
    });
    expect((await hub.audit()).map(({ kind, object }) => `${kind} ${object}`)).toEqual([
      ...['policy-stored pumps', 'policy-stored pumps', 'policy-stored all', 'policy-stored pumps'],
      'policy-removed pumps',
    ]);
    expect(await hub.trivium(['policies', 'show', 'pumps'])).toMatchObject({ code: 1 });
  });

  test('nothing is stored when one of several cannot be used', async () => {
    const half = await written('half.yaml', `${PUMPS}---\nname: b\n`);
    expect((await hub.trivium(['policies', 'add', half])).code).toBe(1);
    expect(await storedPolicies(hub.bus)).toEqual([]);
  });
});

describe('test', () => {
  const ask = (words: string): Promise<Called> => hub.trivium(['policies', 'test', ...words.split(' ')]);

  test('says which statement decides, with groups and attributes as they are stored', async () => {
    await hub.done('devices create pump-7 --groups pumps --attribute site=berlin');
    await hub.done(`policies add ${file}`);
    const answers: [string, number, string][] = [
      ['--action publish --topic plant/berlin/pump-7/t', 0, 'allowed: policy pumps, statement 2 (allow)\n'],
      ['--action publish --topic plant/paris/pump-7/t', 1, 'refused: no statement allows it\n'],
      ['--action receive --topic plant/berlin/secret', 1, 'refused: policy pumps, statement 4 (deny)\n'],
      ['--action connect', 0, 'allowed: policy pumps, statement 1 (allow)\n'],
      ['--action connect --client other', 1, 'refused: no statement allows it\n'],
      ['--action admin', 1, 'refused: no statement allows it\n'],
    ];
    for (const [words, code, out] of answers)
      expect(await ask(`--principal pump-7 ${words}`), words).toEqual({ code, out, err: '' });
    const guarded = await ask('--principal pump-7 --action subscribe --topic plant/berlin/#');
    expect(guarded).toMatchObject({
      code: 0,
      out: expect.stringContaining('only what may be received') as string,
    });
    const json = await ask('--principal pump-7 --action subscribe --topic plant/berlin/# --json');
    expect(JSON.parse(json.out)).toMatchObject({
      ...{ allowed: true, subscription: 'guarded', groups: ['pumps'], mayConnect: true },
      by: { policy: 'pumps', statement: 3, effect: 'allow' },
    });
    const elsewhere = await ask('--principal pump-7 --client x --action publish --topic plant/berlin/x/t');
    expect(elsewhere.out).toContain('may not connect as client x');
    await hub.done('devices disable pump-7');
    const disabled = await ask('--principal pump-7 --action publish --topic plant/berlin/pump-7/t');
    expect(disabled.out).toContain('is disabled');
  });

  test('as if policies and groups were stored; strangers are of the group devices, anonymous ones of their own', async () => {
    const asked = '--action publish --topic plant/oslo/new/t --principal new';
    expect((await ask(`${asked} --groups pumps --file ${file}`)).code).toBe(1);
    expect((await ask(`${asked} --groups operators --file ${file}`)).out).toContain('built-in.operators');
    expect((await ask(asked)).out).toContain('built-in.devices');
    expect((await ask('--action admin --principal anonymous')).out).toContain('built-in.anonymous');
    const claims = await written(
      'claims.yaml',
      `{ name: c, groups: [c], statements: [{ effect: allow, actions: [publish], topics: ['t/\${claims.tenant}'] }] }`,
    );
    const tenant = `--principal new --action publish --topic t/acme --groups c --file ${claims}`;
    expect((await ask(tenant)).code).toBe(1);
    expect((await ask(`${tenant} --claim tenant=acme`)).code).toBe(0);
    expect(await storedPolicies(hub.bus)).toEqual([]);
  });

  test.each([
    ['--action publish --topic a', '--principal'],
    ['--principal a --topic a', '--action is one of connect, publish'],
    ['--principal a --action fly --topic a', '--action'],
    ['--principal a --action publish', '--topic'],
    ['--principal a --action publish --topic a/+', 'wildcards'],
    ['--principal a --action admin --topic a', 'no topic'],
    ['--principal a --action publish --topic a --claim x', '--claim'],
  ])('%s is wrong', async (words, text) => {
    expect(await ask(words)).toMatchObject({ code: 78, err: expect.stringContaining(text) as string });
  });
});
