import { describe, expect, it } from 'vitest';
import { checkListener, isLoopback } from './listener-rule.ts';

describe('isLoopback', () => {
  it.each([
    '127.0.0.1',
    '127.8.9.1',
    '::1',
    '[::1]',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    'localhost',
    'LOCALHOST',
  ])('%s is', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each([
    '0.0.0.0',
    '::',
    '',
    '10.0.0.1',
    '1.127.0.0',
    '::ffff:10.0.0.1',
    'fe80::1',
    '1::1',
    'localhost.example',
    '127.example',
  ])('%s is not', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});

describe('checkListener', () => {
  const beyond = { setting: 'http.host', host: '0.0.0.0', allowAnonymous: false, hasAuthentication: false };

  it('refuses a listener beyond loopback without authentication, and names the way out', () => {
    expect(checkListener(beyond)).toMatchObject({ source: 'TRIVIUM_HTTP_HOST', setting: 'http.host' });
    expect(checkListener(beyond)?.message).toContain('TRIVIUM_ALLOW_ANONYMOUS=true');
  });

  it.each([{ host: '127.0.0.1' }, { allowAnonymous: true }, { hasAuthentication: true }])(
    'allows %j',
    (change) => {
      expect(checkListener({ ...beyond, ...change })).toBeUndefined();
    },
  );
});
