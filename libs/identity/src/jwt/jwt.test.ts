import { createHmac } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@trivium/testing';
import {
  base64url,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type GenerateKeyPairResult,
  type JWK,
} from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { authConfig } from '../testing/identity-under-test.ts';
import { createJwtCheck, looksLikeJwt, type JwtCheck } from './jwt-check.ts';

const NOW = 1_800_000_000_000;
const SECONDS = NOW / 1_000;
const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
let now = NOW;
let folder: string;
let file: string;
const pairs: Record<string, GenerateKeyPairResult> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trivium-jwt-'));
  file = join(folder, 'keys.json');
  for (const [kid, alg] of Object.entries({ rs: 'RS256', es: 'ES256', ed: 'EdDSA', new: 'ES256' }))
    pairs[kid] = await generateKeyPair(alg, { extractable: true });
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  now = NOW;
});

async function jwks(...kids: string[]): Promise<string> {
  const keys: JWK[] = [];
  for (const kid of kids) keys.push({ ...(await exportJWK(pairs[kid]!.publicKey)), kid });
  return JSON.stringify({ keys });
}

/** In place at once, as a tool that rotates keys does it. */
async function write(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

interface Signing {
  kid?: string;
  key?: CryptoKey;
  alg?: string;
  noKid?: boolean;
}

function token(
  payload: object,
  { kid = 'es', alg = 'ES256', key, noKid = false }: Signing = {},
): Promise<string> {
  const header = noKid ? { alg } : { alg, kid };
  const all = { sub: 'alice', exp: SECONDS + 60, ...payload };
  return new SignJWT(all).setProtectedHeader(header).sign(key ?? pairs[kid]!.privateKey);
}

function check(keys: string, config: object = {}, keySet = {}): JwtCheck {
  const jwt = { ...authConfig().jwt, keys, ...config };
  return createJwtCheck({ config: jwt, logger, clock: () => now, keySet });
}

async function reason(jwt: JwtCheck, text: string): Promise<string> {
  const result = await jwt.check(text);
  return result.ok ? `in as ${result.value.name}` : result.error.message;
}

describe('a JWT', () => {
  it('says who somebody is, what groups he is of, and what else there is to know, until it expires', async () => {
    await write(await jwks('rs', 'es', 'ed'));
    const jwt = check(file);
    await jwt.ready;
    const claims = { groups: ['operators', 'no group', 7], site: 'berlin', level: 3, on: true };
    for (const [kid, alg] of [
      ['rs', 'RS256'],
      ['rs', 'PS512'],
      ['es', 'ES256'],
      ['ed', 'EdDSA'],
    ] as const) {
      const key = alg === 'PS512' ? await asPss(pairs['rs']!.privateKey) : pairs[kid]!.privateKey;
      const result = await jwt.check(await token(claims, { kid, alg, key }));
      expect(result, alg).toEqual({
        ok: true,
        value: {
          ...{ name: 'alice', by: 'jwt', groups: ['operators'], expiresAt: (SECONDS + 65) * 1_000 },
          claims: { sub: 'alice', exp: String(SECONDS + 60), site: 'berlin', level: '3' },
        },
      });
    }
    jwt.close();
  });

  it('is verified once, and remembered until it expires', async () => {
    await write(await jwks('es'));
    const jwt = check(file);
    await jwt.ready;
    const text = await token({});
    expect(jwt.check(text)).toBeInstanceOf(Promise);
    expect(await reason(jwt, text)).toBe('in as alice');
    expect(jwt.check(text)).toMatchObject({ ok: true });
    now += 66_000;
    expect(jwt.check(text)).toMatchObject({ ok: false, error: { message: 'expired' } });
    expect(await reason(jwt, text)).toBe('expired');
    jwt.close();
  });

  it('that is forged, or not for here, lets nobody in', async () => {
    await write(await jwks('rs', 'es'));
    const jwt = check(file, { issuer: 'https://id.example', audience: 'trivium' });
    await jwt.ready;
    const own = { iss: 'https://id.example', aud: ['other', 'trivium'] };
    expect(await reason(jwt, await token(own))).toBe('in as alice');
    const part = (value: object): string => base64url.encode(JSON.stringify(value));
    const payload = part({ ...own, sub: 'alice', exp: SECONDS + 60 });
    const none = `${part({ alg: 'none' })}.${payload}.`;
    const shared = `${part({ alg: 'HS256', kid: 'rs' })}.${payload}`;
    const secret = await exportSPKI(pairs['rs']!.publicKey);
    const confused = `${shared}.${createHmac('sha256', secret).update(shared).digest('base64url')}`;
    const good = await token(own);
    const [head, , signature] = good.split('.');
    const refused: Record<string, string> = {
      [none]: 'signed in a way that is not accepted',
      [confused]: 'signed in a way that is not accepted',
      [`${head}.${part({ ...own, sub: 'root', exp: SECONDS + 60 })}.${signature}`]: 'the signature is wrong',
      [await token(own, { kid: 'es', key: pairs['new']!.privateKey })]: 'the signature is wrong',
      [await token(own, { kid: 'new' })]: 'signed with a key that is not known',
      [await token({ ...own, iss: 'https://evil.example' })]: 'the claim iss is not accepted',
      [await token({ aud: 'trivium' })]: 'the claim iss is not accepted',
      [await token({ ...own, aud: 'other' })]: 'the claim aud is not accepted',
      [await token({ ...own, exp: SECONDS - 6 })]: 'expired',
      [await token({ ...own, nbf: SECONDS + 6 })]: 'the claim nbf is not accepted',
      [await token({ ...own, exp: undefined })]: 'the claim exp is not accepted',
      [await token({ ...own, sub: undefined })]: 'the claim sub is not accepted',
      [await token({ ...own, sub: 'anonymous' })]: 'no user is called anonymous',
      [await token({ ...own, sub: 'a\u0007' })]: 'a user name has only characters that SASLprep allows',
      'a.b.c': 'not a JWT that can be read',
      [`${good}${'a'.repeat(20_000)}`]: 'the token is too long',
    };
    for (const [text, why] of Object.entries(refused)) {
      expect(await reason(jwt, text), text.slice(0, 200)).toBe(why);
      expect(text.split('.').some((each) => each.length > 8 && why.includes(each))).toBe(false);
    }
    expect(await reason(jwt, await token({ ...own, exp: SECONDS - 4, nbf: SECONDS + 4 }))).toBe(
      'in as alice',
    );
    jwt.close();
  });

  it('may name its owner and groups by other claims, and need not say which key signed it', async () => {
    await write(await jwks('new', 'es'));
    const jwt = check(file, { nameClaim: 'email', groupsClaim: 'roles' });
    await jwt.ready;
    const text = await token({ sub: undefined, email: 'a@b', roles: 'operators devices' }, { noKid: true });
    expect(await jwt.check(text)).toMatchObject({
      value: { name: 'a@b', groups: ['operators', 'devices'] },
    });
    expect(await reason(jwt, await token({ email: 7 }))).toBe('the claim of the name is not text');
    const stranger = await generateKeyPair('ES256');
    const forged = await token({ email: 'a@b' }, { noKid: true, key: stranger.privateKey });
    expect(await reason(jwt, forged)).toBe('the signature is wrong');
    jwt.close();
  });

  it('is told from other text by its three parts', () => {
    for (const text of ['a.b.c', 'a.b.']) expect(looksLikeJwt(text), text).toBe(true);
    for (const text of ['', 'a', 'a.b', 'a.b.c.d', '.b.c', 'a b.c.d', 'tvk_a_b'])
      expect(looksLikeJwt(text)).toBe(false);
  });
});

describe('keys in a file', () => {
  it('are read again when they change; a broken file changes nothing', async () => {
    await write(await jwks('es'));
    const jwt = check(file);
    await jwt.ready;
    const [old, fresh] = [await token({}), await token({}, { kid: 'new' })];
    expect(await reason(jwt, old)).toBe('in as alice');
    expect(await reason(jwt, fresh)).toBe('signed with a key that is not known');
    await write('{ "keys": [');
    await waitFor(() =>
      logger.warn.mock.calls.some(([fields]) => (fields as { from: string }).from === file),
    );
    expect(await reason(jwt, old)).toBe('in as alice');
    await write(await jwks('new'));
    await waitFor(async () => (await reason(jwt, fresh)) === 'in as alice');
    expect(await reason(jwt, old)).toBe('signed with a key that is not known');
    jwt.close();
  });

  it('may come later', async () => {
    await rm(file, { force: true });
    const jwt = check(file);
    await jwt.ready;
    expect(await reason(jwt, await token({}))).toBe('signed with a key that is not known');
    await write(await jwks('es'));
    await waitFor(async () => (await reason(jwt, await token({}))) === 'in as alice');
    jwt.close();
  });
});

describe('keys at a URL', () => {
  let server: Server;
  let url: string;
  let body = '';
  let asked = 0;
  const open = (port: number): Promise<void> =>
    new Promise((resolve) => {
      server = createServer((_request, response) => {
        asked++;
        response.end(body);
      }).listen(port, '127.0.0.1', () => resolve());
    });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });

  it('are asked for again for one that is not known, not too often, and count while the URL is away', async () => {
    await open(0);
    const { port } = server.address() as { port: number };
    url = `http://127.0.0.1:${port}/keys?access_token=sesame`;
    body = await jwks('es');
    let time = 0;
    const jwt = check(url, {}, { clock: () => time });
    await jwt.ready;
    expect(asked).toBe(1);
    const [old, fresh] = [await token({}), await token({}, { kid: 'new' })];
    expect(await reason(jwt, old)).toBe('in as alice');

    body = await jwks('es', 'new');
    expect(await reason(jwt, fresh)).toBe('signed with a key that is not known');
    expect(asked).toBe(1);
    time += 30_000;
    expect(await Promise.all([reason(jwt, fresh), reason(jwt, fresh)])).toEqual([
      'in as alice',
      'in as alice',
    ]);
    expect(asked).toBe(2);

    await close();
    time += 30_000;
    const unknown = await token({}, { kid: 'rs', alg: 'RS256' });
    expect(await reason(jwt, unknown)).toBe('signed with a key that is not known');
    expect(await reason(jwt, await token({ later: 1 }))).toBe('in as alice');
    expect(JSON.stringify([...logger.warn.mock.calls, ...logger.info.mock.calls])).not.toContain('sesame');

    body = await jwks('rs');
    await open(port);
    time += 30_000;
    expect(await reason(jwt, unknown)).toBe('in as alice');
    expect(await reason(jwt, old)).toBe('signed with a key that is not known');
    jwt.close();
    await close();
  });

  it('that is away at the start is asked for when a token comes', async () => {
    await open(0);
    const { port } = server.address() as { port: number };
    await close();
    let time = 0;
    const jwt = check(`http://127.0.0.1:${port}/keys`, {}, { clock: () => time });
    await jwt.ready;
    expect(await reason(jwt, await token({}))).toBe('signed with a key that is not known');
    body = await jwks('es');
    await open(port);
    time += 30_000;
    expect(await reason(jwt, await token({}))).toBe('in as alice');
    jwt.close();
    await close();
  });
});

/** The same key, for another padding. */
async function asPss(key: CryptoKey): Promise<CryptoKey> {
  const bytes = await crypto.subtle.exportKey('pkcs8', key);
  return crypto.subtle.importKey('pkcs8', bytes, { name: 'RSA-PSS', hash: 'SHA-512' }, false, ['sign']);
}
