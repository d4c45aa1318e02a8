import { expect, test } from 'vitest';
import { parseScramVerifier, scramVerifier } from './scram-verifier.ts';

const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const PENCIL =
  'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=';

test('is what PostgreSQL makes of the password of RFC 7677', () => {
  expect(scramVerifier('pencil', { salt: SALT })).toEqual({ ok: true, value: PENCIL });
  expect(parseScramVerifier(PENCIL)).toMatchObject({ ok: true, value: { iterations: 4_096, salt: SALT } });
});

test('[RFC4013-2] one password, however it was typed; none that cannot be typed', () => {
  const made = (password: string) => scramVerifier(password, { salt: SALT });
  expect(made('p\u00adencil')).toEqual(made('pencil'));
  expect(made('\u2168')).toEqual(made('IX'));
  for (const bad of ['', '\u00ad', 'a\u0007', '\u0221', '\u06271'])
    expect(made(bad), JSON.stringify(bad)).toMatchObject({ ok: false, error: { code: 'auth.failed' } });
});

test('[RFC7677-4] at least 4096 iterations', () => {
  expect(scramVerifier('x', { salt: SALT, iterations: 4_095 }).ok).toBe(false);
  expect(parseScramVerifier(PENCIL.replace('4096', '4095')).ok).toBe(false);
  expect(parseScramVerifier(PENCIL.replace('4096', '99999999')).ok).toBe(false);
});

test('what is none is refused without being repeated', () => {
  const bad = [
    '',
    'pencil',
    PENCIL.replace('SHA-256', 'SHA-1'),
    PENCIL.slice(0, -1),
    `${PENCIL} `,
    PENCIL.replace('W22Z', 'W2 Z'),
    PENCIL.replace('W22ZaJ0SNY7soEsUEjb6gQ==', 'W22Z'),
    PENCIL.replace('wfPLwcE6', ''),
    PENCIL.replace(':wfPL', '$wfPL'),
  ];
  for (const text of bad) {
    const parsed = parseScramVerifier(text);
    expect(parsed, text).toMatchObject({ ok: false, error: { code: 'config.invalid' } });
    if (!parsed.ok && text !== '') expect(parsed.error.message).not.toContain(text);
  }
});
