import { randomBytes } from 'node:crypto';
import { CommandError, type Invocation } from '../command.ts';

const RANDOM_BYTES = 18;

/** 24 characters, 144 random bits: nobody tries them all, whatever is stolen. */
export function newPassword(): string {
  return randomBytes(RANDOM_BYTES).toString('base64url');
}

/** The first line of standard input. */
export async function passwordFrom(stdin: Invocation['stdin']): Promise<string> {
  const [line = ''] = (await stdin()).toString().split(/\r?\n/, 1);
  if (line === '') throw new CommandError('there is no password on standard input');
  return line;
}
