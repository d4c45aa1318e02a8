import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { ReadStream, WriteStream } from 'node:tty';

/** A password: at a terminal asked for twice without showing it, else the first line. undefined: none, or two that differ. */
export async function readPassword(
  input: Pick<ReadStream, 'isTTY'> & NodeJS.ReadableStream,
  prompts: WriteStream | Writable,
): Promise<string | undefined> {
  const terminal = input.isTTY === true;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal });
  lines.on('SIGINT', () => lines.close());
  const given = lines[Symbol.asyncIterator]();
  const ask = async (prompt: string): Promise<string | undefined> => {
    if (terminal) prompts.write(prompt);
    const { value, done } = await given.next();
    if (terminal) prompts.write('\n');
    return done === true || value === '' ? undefined : value;
  };
  try {
    const password = await ask('Password: ');
    if (!terminal || password === undefined) return password;
    return (await ask('Again: ')) === password ? password : undefined;
  } finally {
    lines.close();
  }
}
