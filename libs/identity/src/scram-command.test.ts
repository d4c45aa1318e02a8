import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { scramClient } from '@trivium/testing';
import { expect, test } from 'vitest';
import { createScramMethod, scramNonce } from './scram-method.ts';
import { parseScramVerifier } from './scram-verifier.ts';

const COMMAND = join(import.meta.dirname, 'scram-command.ts');

async function run(args: string[], input: string) {
  const child = spawn(process.execPath, [COMMAND, ...args]);
  child.stdin.on('error', () => {}); // a refusal may come before the password was read
  child.stdin.end(input);
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { out, err, code: code as number };
}

test('prints a line with which the user logs in', async () => {
  const { out, code } = await run(['alice', '--iterations', '5000'], 'pencil\nignored\n');
  expect(code).toBe(0);
  const [, name, verifier] = /^ {4}(\w+): (\S+)\n$/.exec(out) ?? [];
  expect(name).toBe('alice');
  expect(verifier).toMatch(/^SCRAM-SHA-256\$5000:/);
  const made = parseScramVerifier(verifier!);
  if (!made.ok) throw new Error(made.error.message);
  const pretended = () => ({ iterations: 5_000, saltBytes: 16 });
  const users = { find: () => made.value, pretended };
  const method = createScramMethod({ users, secret: () => Buffer.alloc(32), nonce: scramNonce });
  const client = scramClient('alice', 'pencil');
  const challenge = method.start(client.first);
  if (!challenge.ok) throw new Error(challenge.error.message);
  expect(challenge.value.finish(client.final(challenge.value.message))).toMatchObject({ ok: true });
});

test.each([
  [['alice'], '\n', /no password/],
  [['alice'], '', /no password/],
  [['alice'], 'a\u0007\n', /SASLprep/],
  [['anonymous'], 'x\n', /no user is called/],
  [['alice', '--iterations', '10'], 'x\n', /4096/],
  [['alice', '--rounds', '10'], 'x\n', /Usage/],
  [[], 'x\n', /Usage/],
])('%j with %j is refused: exit 78', async (args, input, why) => {
  const { out, err, code } = await run(args, input);
  expect(code).toBe(78);
  expect(out).toBe('');
  expect(err).toMatch(why);
});
