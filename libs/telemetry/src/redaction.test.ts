import { describe, expect, it } from 'vitest';
import { isSecretName, redactSecrets, redactText } from './redaction.ts';

describe('redactSecrets', () => {
  it('blanks by name whatever the spelling, at any depth', () => {
    expect(
      redactSecrets({
        Authorization: 'Bearer x',
        nested: { 'access-token': 'y', list: [{ apiKey: 'z' }] },
        user: 'u',
      }),
    ).toEqual({
      Authorization: '***',
      nested: { 'access-token': '***', list: [{ apiKey: '***' }] },
      user: 'u',
    });
  });

  it('keeps names that only look like secrets', () => {
    expect(isSecretName('clientToken')).toBe(false);
    expect(isSecretName('tokens')).toBe(false);
    expect(isSecretName('passwordFile')).toBe(false);
  });

  it('shows the length of bytes, never the bytes', () => {
    expect(redactSecrets({ payload: Buffer.from('secret stuff') })).toEqual({ payload: '<12 bytes>' });
  });

  it('ends on a cycle', () => {
    const ring: Record<string, unknown> = { name: 'ring' };
    ring['self'] = ring;
    expect(JSON.stringify(redactSecrets(ring))).toContain('…');
  });

  it('keeps the cause and the fields of an error, without its secrets', () => {
    const error = Object.assign(new Error('outer', { cause: new Error('inner') }), {
      code: 'bus.timeout',
      password: 'x',
    });
    const copy = redactSecrets({ err: error }) as { err: Record<string, unknown> };
    expect(copy.err).toMatchObject({ type: 'Error', code: 'bus.timeout', password: '***' });
    expect(copy.err['stack']).toContain('caused by: Error: inner');
  });
});

describe('redactText', () => {
  it('blanks user and password of a URL and an access token in a query', () => {
    expect(redactText('nats://me:pw@10.0.0.1:4222')).toBe('nats://***@10.0.0.1:4222');
    expect(redactText('GET /v1/stream?access_token=abc&filter=x')).toBe(
      'GET /v1/stream?access_token=***&filter=x',
    );
  });

  it.each([
    [
      'key tvk_abcdefghij12_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE failed',
      'key tvk_abcdefghij12_*** failed',
    ],
    ['{"msg":"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"}', '{"msg":"***"}'],
    [`seed SU${'A'.repeat(56)} of x`, 'seed *** of x'],
    ['header "Authorization: Bearer abcdefghijk1"', 'header "Authorization: Bearer ***"'],
    ['authorization: basic dXNlcjpwYXNzd29yZA==', 'authorization: basic ***'],
  ])('blanks what is a secret by its look: %s', (text, clean) => expect(redactText(text)).toBe(clean));

  it('leaves alone what only begins like one', () => {
    const line = 'Basic authentication, the basic idea; SUBSCRIBE tvk_ and eyJ are words';
    expect(redactText(line)).toBe(line);
  });

  it('does not reach from a URL into the next field of a JSON line', () => {
    const line = JSON.stringify({ url: 'http://127.0.0.1:9101', mail: 'a@b' });
    expect(redactText(line)).toBe(line);
  });
});
