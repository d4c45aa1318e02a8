import { readConfig, serviceSchema, type ConfigError } from '@trivium/service';
import { expect, test } from 'vitest';
import { authSection, createChallengeMethods } from './config.ts';
import { scramVerifier } from './scram-verifier.ts';

const made = scramVerifier('pencil', { salt: Buffer.alloc(16, 7) });
const verifier = made.ok ? made.value : '';
const schema = serviceSchema(9101, { auth: authSection });

function read(text: string, env: Record<string, string> = {}) {
  return readConfig({ service: 'test', schema, env, file: { name: 'trivium.yaml', text } });
}

function issues(text: string, env?: Record<string, string>): string[] {
  try {
    read(text, env);
  } catch (error) {
    return (error as ConfigError).issues.map(
      ({ source, setting, message }) => `${source} ${setting} ${message}`,
    );
  }
  return [];
}

const methods = (text: string, env?: Record<string, string>) =>
  createChallengeMethods(read(text, env).auth).map(({ name }) => name);

test('without users no method is offered', () => {
  expect(methods('')).toEqual([]);
  expect(methods('auth:\n  scram:\n')).toEqual([]);
});

test('users are a map in the file, or JSON in the variable', () => {
  expect(methods(`auth:\n  scram:\n    alice: ${verifier}\n`)).toEqual(['SCRAM-SHA-256']);
  const variable = { TRIVIUM_AUTH_SCRAM: JSON.stringify({ alice: verifier }) };
  expect(methods('', variable)).toEqual(['SCRAM-SHA-256']);
});

test('every fault is told with its user, and no verifier', () => {
  const users = {
    anonymous: verifier,
    '': verifier,
    IX: verifier,
    '\u2168': verifier,
    carol: 'secret',
    dave: verifier.replace('4096', '1'),
  };
  const found = issues(`log:\n  level: 5\nauth:\n  scram: ${JSON.stringify(users)}\n`);
  expect(found.map((line) => line.replace('trivium.yaml:4 auth.scram', ''))).toEqual([
    'trivium.yaml:2 log.level expected one of trace, debug, info, warn, error, fatal, silent, got 5',
    '.anonymous no user is called anonymous',
    '. a user name is not empty',
    '.\u2168 the same user name twice',
    '.carol expected SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>',
    '.dave expected 4096 to 10000000 iterations',
  ]);
});

test('what is no map of text is refused unseen', () => {
  const fault = 'auth.scram expected names, each with text, got ***';
  expect(issues('auth:\n  scram:\n    alice: 5\n')).toEqual([`trivium.yaml:2 ${fault}`]);
  expect(issues('auth:\n  scram: secret\n')).toEqual([`trivium.yaml:2 ${fault}`]);
  expect(issues('', { TRIVIUM_AUTH_SCRAM: '{secret' })).toEqual([`TRIVIUM_AUTH_SCRAM ${fault}`]);
});
