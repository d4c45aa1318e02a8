import { open, stat } from 'node:fs/promises';

/** A JWKS as text, from where `auth.jwt.keys` says. Rejects when it is not there, or too large. */
export interface KeySource {
  /** `file`: looked at every second; `url`: asked now and then. */
  readonly kind: 'file' | 'url';
  /** Without secrets, for the log. */
  readonly name: string;
  read(): Promise<string>;
  /** Differs when the file may have changed; undefined: it is not there, or there is none. */
  state(): Promise<string | undefined>;
}

const MOST_BYTES = 1 << 20;
const TIMEOUT_MS = 5_000;

export function keySource(location: string): KeySource {
  return /^https?:\/\//i.test(location) ? fromUrl(location) : fromFile(location);
}

function fromFile(path: string): KeySource {
  return {
    kind: 'file',
    name: path,
    async read() {
      await using file = await open(path);
      const { size } = await file.stat();
      if (size > MOST_BYTES) throw new Error('too large');
      return file.readFile('utf8');
    },
    async state() {
      try {
        const { mtimeMs, size, ino } = await stat(path);
        return `${mtimeMs} ${size} ${ino}`;
      } catch {
        return undefined;
      }
    },
  };
}

function fromUrl(url: string): KeySource {
  const { origin, pathname } = new URL(url);
  return {
    kind: 'url',
    name: origin + pathname,
    async read() {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const answer = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
      if (!answer.ok) throw new Error(`answered ${answer.status}`);
      return bounded(answer);
    },
    state: () => Promise.resolve(undefined),
  };
}

async function bounded({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    const bytes = chunk as Uint8Array;
    length += bytes.length;
    if (length > MOST_BYTES) throw new Error('too large');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
