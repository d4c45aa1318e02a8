import { expect, test } from 'vitest';
import { isPassword, nobodysHash, passwordHash } from './argon2.ts';
import { parsePasswordHash, writePasswordHash } from './password-hash.ts';

const CHEAP = { memoryKiB: 1_024, passes: 1 };
/** `argon2 somesalt -id -t 2 -m 16 -p 4` of the reference implementation, on "password". */
const REFERENCE = '$argon2id$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo';

const parsed = (text: string) => {
  const hash = parsePasswordHash(text);
  if (!hash.ok) throw new Error(hash.error.message);
  return hash.value;
};

test('what the reference implementation made is verified', async () => {
  expect(writePasswordHash(parsed(REFERENCE))).toBe(REFERENCE);
  expect(await isPassword('password', parsed(REFERENCE))).toBe(true);
  expect(await isPassword('Password', parsed(REFERENCE))).toBe(false);
});

test('a password is what its hash was made of, in the form of SASLprep; each hash has a salt of its own', async () => {
  const [one, two] = await Promise.all([passwordHash('IX', CHEAP), passwordHash('\u2168', CHEAP)]);
  if (!one.ok || !two.ok) throw new Error('refused');
  expect(one.value).toMatch(/^\$argon2id\$v=19\$m=1024,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(one.value).not.toBe(two.value);
  for (const { value } of [one, two]) expect(await isPassword('IX', parsed(value))).toBe(true);
  expect(await isPassword('IX', nobodysHash({ ...CHEAP, lanes: 1 }))).toBe(false);
  for (const bad of ['', 'a\u0007'])
    expect(await passwordHash(bad, CHEAP)).toMatchObject({ ok: false, error: { code: 'auth.failed' } });
});

test('what is none, or would keep a door busy, is refused without being repeated', () => {
  const bad = [
    '',
    'password',
    REFERENCE.replace('argon2id', 'argon2i'),
    REFERENCE.replace('v=19', 'v=16'),
    REFERENCE.replace('m=65536', 'm=1048577'),
    REFERENCE.replace('m=65536', 'm=16'),
    REFERENCE.replace('t=2', 't=65'),
    REFERENCE.replace('p=4', 'p=17'),
    REFERENCE.replace('c29tZXNhbHQ', 'c29t'),
    REFERENCE.replace('c29tZXNhbHQ', 'c29tZXNhbHQ='),
    REFERENCE.slice(0, -30),
    `${REFERENCE} `,
  ];
  for (const text of bad) {
    const refused = parsePasswordHash(text);
    expect(refused, text).toMatchObject({ ok: false, error: { code: 'config.invalid' } });
    if (!refused.ok && text !== '') expect(refused.error.message).not.toContain(text);
  }
});
