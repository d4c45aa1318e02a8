import type { Bus } from '@trivium/bus';
import { run } from './run.ts';

export interface Called {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CallOptions {
  readonly stdin?: string | Buffer;
  readonly env?: NodeJS.ProcessEnv;
  /** None: the command may not ask for a hub. */
  readonly bus?: Bus | undefined;
  /** Of what is printed; UTF-8 unless given. */
  readonly encoding?: BufferEncoding;
  /** Told what is printed as it is. */
  readonly onOut?: (text: string) => void;
  readonly onErr?: (text: string) => void;
}

/** What one call of the tool prints, and its exit code. */
export async function call(
  words: readonly string[],
  { stdin = '', env = {}, bus, encoding, onOut, onErr }: CallOptions = {},
): Promise<Called> {
  const out: Buffer[] = [];
  let err = '';
  const code = await run(words, {
    out(text) {
      out.push(Buffer.from(text));
      onOut?.(String(text));
    },
    err(text) {
      err += text;
      onErr?.(text);
    },
    env,
    stdin: () => Promise.resolve(Buffer.from(stdin)),
    bus: () => (bus === undefined ? Promise.reject(new Error('no hub was needed')) : Promise.resolve(bus)),
  });
  return { code, out: Buffer.concat(out).toString(encoding), err };
}
