import { readConfig, serviceSchema, type ConfigError } from '@trivium/service';
import { expect, test } from 'vitest';
import { authSection } from './config.ts';
import { readScram } from './scram-users.ts';
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

const names = (text: string, env?: Record<string, string>) => [
  ...readScram(read(text, env).auth.scram).verifiers.keys(),
];

test('users are a map in the file, or JSON in the variable; nobody has to be there', () => {
  expect(names('')).toEqual([]);
  expect(names('auth:\n  scram:\n')).toEqual([]);
  expect(names(`auth:\n  scram:\n    alice: ${verifier}\n`)).toEqual(['alice']);
  expect(names('', { TRIVIUM_AUTH_SCRAM: JSON.stringify({ alice: verifier }) })).toEqual(['alice']);
});

test('all settings have a variable', () => {
  const env = {
    TRIVIUM_AUTH_REQUIRED: 'true',
    TRIVIUM_AUTH_JWT_KEYS: 'https://id.example/keys',
    TRIVIUM_AUTH_JWT_NAME_CLAIM: 'email',
    TRIVIUM_AUTH_CERTIFICATE_NAME: 'dns',
    TRIVIUM_AUTH_ARGON2_MEMORY_KI_B: '65536',
  };
  expect(read('', env).auth).toEqual({
    required: true,
    scram: {},
    jwt: {
      ...{ keys: 'https://id.example/keys', issuer: '', audience: '' },
      ...{ nameClaim: 'email', groupsClaim: 'groups' },
    },
    certificate: { name: 'dns' },
    argon2: { memoryKiB: 65_536, passes: 2 },
  });
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
