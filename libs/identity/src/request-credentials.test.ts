import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { requestCredentials } from './request-credentials.ts';

const of = (authorization?: string, token?: string) => {
  const headers = authorization === undefined ? {} : { authorization };
  const read = requestCredentials({ headers, socket: new Socket() }, token);
  return read.ok ? read.value : read.error.code;
};
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

test('a user name and a password, which may have colons', () => {
  const password = new Uint8Array(Buffer.from('a:b'));
  expect(of(basic('ü:a:b'))).toEqual({ by: 'password', user: 'ü', password });
  expect(of(basic(':'))).toEqual({ by: 'password', user: '', password: new Uint8Array(0) });
});

test('a token: of the header, else from where it is said', () => {
  expect(of('bearer  abc')).toEqual({ by: 'token', token: 'abc' });
  expect(of('Bearer abc', 'def')).toEqual({ by: 'token', token: 'abc' });
  expect(of(undefined, 'def')).toEqual({ by: 'token', token: 'def' });
  expect(of()).toEqual({ by: 'nothing' });
});

test.each(['', 'Basic', 'Basic %', basic('no colon'), 'Basic /zo=', 'Bearer', 'Bearer a b', 'Digest x'])(
  '%j is refused, and not taken for nothing',
  (header) => expect(of(header)).toBe('auth.failed'),
);

test('an empty token is refused', () => expect(of(undefined, '')).toBe('auth.failed'));
