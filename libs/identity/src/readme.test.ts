import { scramClient } from '@trivium/testing';
import { expect, test } from 'vitest';
import { createChallengeMethods, scramVerifier } from './index.ts';

test('the example of the README does what it says', () => {
  const made = scramVerifier('pencil', { salt: Buffer.alloc(16, 7) });
  if (!made.ok) throw new Error(made.error.message);
  const [scram] = createChallengeMethods({ scram: { alice: made.value } });
  const client = scramClient('alice', 'pencil');
  const challenge = scram!.start(client.first);
  if (!challenge.ok) throw new Error(challenge.error.message);
  const end = challenge.value.finish(client.final(challenge.value.message));
  if (!end.ok) throw new Error(end.error.message);
  expect(end.value.principal).toBe('alice');
  expect(client.trusts(end.value.message)).toBe(true);
});
