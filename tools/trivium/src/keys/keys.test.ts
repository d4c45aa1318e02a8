import { apiKeyUseKey, ApiKeyUse, encodeJson } from '@trivium/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { call } from '../call.fixture.ts';
import { startHub, type HubUnderTest } from '../hub.fixture.ts';

let hub: HubUnderTest;
beforeAll(async () => {
  hub = await startHub();
});
afterAll(() => hub[Symbol.asyncDispose]());
beforeEach(async () => {
  const devices = hub.bus.bucket('devices');
  for (const { key } of await devices.entries()) await devices.delete(key);
});

interface Made {
  id: string;
  key: string;
  expiresAt?: number;
}

describe('keys', () => {
  test('are made, shown once, listed and revoked', async () => {
    const out = await hub.done('keys create dashboard --groups administrators --expires 90d');
    const [, key, id, secret] = /shown only now: (tvk_([a-z0-9]{12})_(\S+))/.exec(out) ?? [];
    expect(out).toContain(`curl -N -H 'Authorization: Bearer ${key}' http://127.0.0.1:8080/v1/stream`);
    expect(await hub.text('devices')).not.toContain(secret);
    expect(JSON.stringify(await hub.audit())).not.toContain(secret);

    await hub.bus
      .bucket('devices')
      .put(apiKeyUseKey(id!), encodeJson(ApiKeyUse, { v: 1, at: 1_700_000_000_000 }));
    const listed = await hub.done('keys list');
    expect(listed).toMatch(
      new RegExp(
        `^ID +NAME +GROUPS +CREATED +LAST USED +EXPIRES\n${id} +dashboard +administrators +\\S+Z +2023-11-14T22:13:20Z +\\S+Z\n$`,
      ),
    );
    const { keys } = await hub.json<{ keys: object[] }>('keys list');
    expect(keys).toEqual([
      {
        ...{ id, name: 'dashboard', groups: ['administrators'], usedAt: 1_700_000_000_000 },
        ...{ createdAt: expect.any(Number) as number, expiresAt: expect.any(Number) as number },
      },
    ]);
    expect(await hub.trivium(['keys', 'revoke', id!, 'aaaaaaaaaaaa'])).toEqual({
      ...{ code: 1, out: `${id}: revoked\n`, err: 'trivium: there is no key aaaaaaaaaaaa\n' },
    });
    expect(await hub.done('keys list')).toBe('no keys\n');
    const kinds = (await hub.audit()).map(({ kind, object }) => [kind, object]);
    expect(kinds).toEqual([
      ['key-created', id],
      ['key-revoked', id],
    ]);
  });

  test('expire when it is said, else never; one who has the whole key may revoke by it', async () => {
    const before = Date.now();
    const brief = await hub.json<Made>('keys create a --expires 1h');
    expect(brief.expiresAt).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(brief.expiresAt).toBeLessThanOrEqual(Date.now() + 3_600_000);
    const lasting = await hub.json<Made>('keys create b');
    expect(lasting.expiresAt).toBeUndefined();
    expect(await hub.done(`keys revoke ${brief.key}`)).toBe(`${brief.id}: revoked\n`);
    const { keys } = await hub.json<{ keys: Made[] }>('keys list');
    expect(keys.map(({ id }) => id)).toEqual([lasting.id]);
  });

  test.each([
    [['keys'], 'missing'],
    [['keys', 'create'], 'missing'],
    [['keys', 'create', 'anonymous'], 'anonymous'],
    [['keys', 'create', 'a', '--expires', 'soon'], '--expires'],
    [['keys', 'create', 'a', '--groups', 'a/b'], 'no group'],
    [['keys', 'revoke', 'x'], '12 characters'],
  ] as const)('%j is wrong', async (words, text) => {
    const result = await call(words);
    expect(result).toMatchObject({ code: 78, err: expect.stringContaining(text) as string });
  });
});
