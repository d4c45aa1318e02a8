import { scramClient, type ScramClientOptions } from '@trivium/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createScramMethod } from './scram-method.ts';
import { parseScramVerifier, scramVerifier, type ScramVerifier } from './scram-verifier.ts';

const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';

function verifierOf(password: string, iterations = 4_096): ScramVerifier {
  const made = scramVerifier(password, { salt: SALT, iterations });
  const parsed = made.ok ? parseScramVerifier(made.value) : made;
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}

const verifiers = new Map([
  ['user', verifierOf('pencil')],
  ['a=b,c', verifierOf('pencil')],
  ['IX', verifierOf('pencil')],
]);
const secret = () => Buffer.alloc(32, 1);
const pretended = () => ({ iterations: 4_096, saltBytes: 16 });
const users = { find: (name: string) => verifiers.get(name), pretended };
const method = createScramMethod({ users, secret, nonce: () => NONCE });
const start = (text: string) => method.start(Buffer.from(text));

/** One whole exchange. */
function login(user: string, password: string, options?: ScramClientOptions) {
  const client = scramClient(user, password, options);
  const challenge = method.start(client.first);
  if (!challenge.ok) return challenge;
  const end = challenge.value.finish(client.final(challenge.value.message));
  return end.ok ? { ...end, trusted: client.trusts(end.value.message) } : end;
}

describe('SCRAM-SHA-256', () => {
  test('[RFC7677-3] the example of the standard, byte for byte', () => {
    const challenge = start('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
    if (!challenge.ok) throw new Error(challenge.error.message);
    expect(challenge.value.message.toString()).toBe(
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    );
    const end = challenge.value.finish(
      Buffer.from(
        'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      ),
    );
    expect(end).toEqual({
      ok: true,
      value: {
        principal: 'user',
        message: Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='),
      },
    });
  });

  test.each([
    ['user', undefined, 'user'],
    ['user', 'y,,', 'user'],
    ['user', 'n,a=user,', 'user'],
    ['a=b,c', undefined, 'a=b,c'],
    ['\u2168', undefined, 'IX'],
  ])('[RFC5802-5.1] %s logs in with header %s', (user, gs2Header, principal) => {
    const options = gs2Header === undefined ? {} : { gs2Header };
    expect(login(user, 'pencil', options)).toMatchObject({ ok: true, value: { principal }, trusted: true });
  });

  test('[RFC5802-6] channel binding, somebody else and unknown extensions are refused', () => {
    for (const gs2Header of ['p=tls-unique,,', 'n,a=IX,', 'x,,', 'n,', ''])
      expect(login('user', 'pencil', { gs2Header }), gs2Header).toMatchObject({ ok: false });
    expect(start('n,,m=x,n=user,r=abc')).toMatchObject({ error: { code: 'auth.failed' } });
  });

  test('an unknown user is not told from a wrong password', () => {
    const wrong = login('user', 'pen');
    expect(wrong).toEqual({
      ok: false,
      error: { code: 'auth.failed', message: 'wrong user name or password' },
    });
    expect(login('nobody', 'pencil')).toEqual(wrong);
    const challengeOf = (user: string) => {
      const made = start(`n,,n=${user},r=abc`);
      if (!made.ok) throw new Error(made.error.message);
      return made.value.message.toString();
    };
    expect(challengeOf('nobody')).toMatch(/^r=abc%hv\S+,s=[A-Za-z0-9+/]{22}==,i=4096$/);
    expect(challengeOf('nobody')).toBe(challengeOf('nobody'));
    expect(challengeOf('nobody')).not.toBe(challengeOf('nobody2'));
    expect(challengeOf('nobody')).not.toContain(SALT.toString('base64'));
  });

  test('somebody unknown is asked as it is said', () => {
    const dear = { find: () => undefined, pretended: () => ({ iterations: 9_000, saltBytes: 8 }) };
    const made = createScramMethod({ users: dear, secret, nonce: () => NONCE }).start(
      Buffer.from('n,,n=nobody,r=abc'),
    );
    expect(made.ok && made.value.message.toString()).toMatch(/,s=[A-Za-z0-9+/]{11}=,i=9000$/);
  });

  test('a verifier that is another one at the end than at the start proves nothing', () => {
    let verifier = verifierOf('pencil');
    const changing = createScramMethod({
      users: { find: () => verifier, pretended },
      secret,
      nonce: () => NONCE,
    });
    const client = scramClient('user', 'pencil');
    const challenge = changing.start(client.first);
    if (!challenge.ok) throw new Error(challenge.error.message);
    const final = client.final(challenge.value.message);
    expect(challenge.value.finish(final)).toMatchObject({ ok: true });
    verifier = verifierOf('pencil');
    expect(challenge.value.finish(final)).toMatchObject({ ok: false, error: { code: 'auth.failed' } });
  });

  test('[RFC5802-7] an answer with another header, nonce or proof is refused', () => {
    const client = scramClient('user', 'pencil');
    const challenge = method.start(client.first);
    if (!challenge.ok) throw new Error(challenge.error.message);
    const final = client.final(challenge.value.message).toString();
    expect(challenge.value.finish(Buffer.from(final))).toMatchObject({ ok: true });
    const changed = [
      final.replace('c=biws', 'c=eSws'),
      final.replace('c=biws', 'c='),
      final.replace(',r=', ',r=x'),
      final.replace(NONCE, 'another'),
      final.replace(/,p=.*/, ''),
      final.replace(/,p=.*/, ',p='),
      final.replace(/,p=.*/, ',p=AAAA'),
      final.replace(/,p=.(.*)=$/, (_, rest: string) => `,p=*${rest}=`),
      final.replace(/,p=(.)/, (_, one: string) => `,p=${one === 'A' ? 'B' : 'A'}`),
      final.replace(',p=', ',x=y,p='),
      `${final},x=y`,
      '',
    ];
    for (const text of changed)
      expect(challenge.value.finish(Buffer.from(text)), text).toMatchObject({
        error: { code: 'auth.failed' },
      });
  });

  test.each([
    ['n,,n=us=er,r=abc', 'a name with a bare ='],
    ['n,,n=,r=abc', 'an empty name'],
    ['n,,n=user,r=', 'an empty nonce'],
    ['n,,n=user,r=a b', 'a nonce with a blank'],
    ['n,,n=user', 'no nonce'],
    ['n,,r=abc,n=user', 'the wrong order'],
    ['n,,n=anonymous,r=abc', 'the name of nobody'],
    ['n,,n=a\u0007,r=abc', 'a control character'],
    [`n,,n=${'u'.repeat(300)},r=abc`, 'a long name'],
    [`n,,n=user,r=${'a'.repeat(3_000)}`, 'a long nonce'],
    ['n,,n=user\0,r=abc', 'U+0000'],
    ['', 'nothing'],
  ])('%j is refused: %s', (text) => {
    expect(start(text)).toMatchObject({ ok: false, error: { code: 'auth.failed' } });
  });

  test('whatever a client sends is refused, and nothing throws', () => {
    const honest = scramClient('user', 'pencil');
    const challenge = method.start(honest.first);
    if (!challenge.ok) throw new Error(challenge.error.message);
    const final = honest.final(challenge.value.message);
    const places = fc.integer({ min: 0, max: final.length - 1 });
    const edits = fc.array(fc.tuple(places, fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), edits, (bytes, changes) => {
        const changed = Buffer.from(final);
        for (const [at, byte] of changes) changed[at] = byte;
        expect(method.start(bytes).ok).toBe(false);
        expect(challenge.value.finish(changed).ok).toBe(changed.equals(final));
        const first = Buffer.from(honest.first);
        for (const [at, byte] of changes) first[at % first.length] = byte;
        method.start(first);
      }),
    );
  });

  test('bytes that are not UTF-8 are refused', () => {
    expect(method.start(Buffer.from('6e2c2c6e3dff2c723d61', 'hex'))).toMatchObject({ ok: false });
  });
});
