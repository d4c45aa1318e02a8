import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createUser, fromSeed } from '@nats-io/nkeys';
import type { NatsUser } from './needs.ts';

/** Where the seed of a service's key is in a data directory: `nats/keys/<service>.nk`. */
export function keyFile(dataDir: string, user: NatsUser): string {
  return join(dataDir, 'nats', 'keys', `${user}.nk`);
}

/**
 * The public key of the seed in `file`; without one a key is made. Only the owner can read the file. Several processes may do this at once: the
 * first one's key stays.
 * @throws Error, which names the file and not what is in it, when there is something else than a seed in it
 */
export function ensureKey(file: string): string {
  const there = publicKey(file);
  if (there !== undefined) return there;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, `${new TextDecoder().decode(createUser().getSeed())}\n`, {
    mode: 0o600,
    flush: true,
  });
  try {
    linkSync(partial, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(partial);
  }
  return publicKey(file)!;
}

function publicKey(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'latin1').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return fromSeed(new TextEncoder().encode(text)).getPublicKey();
  } catch {
    throw new Error(`${file} is not the seed of an nkey; remove it to have another one made`);
  }
}
