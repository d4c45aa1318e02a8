import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError } from '../command.ts';

export const FOLDER = 'certs';

/** Where things are in a folder of certificates. */
export const placesIn = (folder: string) => ({
  caCert: join(folder, 'ca.cert.pem'),
  caKey: join(folder, 'ca.key.pem'),
  revocationList: join(folder, 'revoked.crl.pem'),
  server: (name: string) => pair(join(folder, 'servers', fileName(name))),
  device: (name: string) => pair(join(folder, 'devices', fileName(name))),
});

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const pair = (path: string): Pair => ({ cert: `${path}.cert.pem`, key: `${path}.key.pem` });

/** A name may hold anything, a file's name may not. */
function fileName(name: string): string {
  return encodeURIComponent(name).replaceAll('*', '%2A');
}

export interface NewFile {
  readonly path: string;
  readonly text: string;
  readonly secret?: boolean;
}

/** Writes all of them, or, where one is there already and `force` is not said, none: a `CommandError`. Each appears whole or not at all. */
export function writeFiles(files: readonly NewFile[], force: boolean): void {
  const there = files.find(({ path }) => existsSync(path));
  if (there !== undefined && !force)
    throw new CommandError(`${there.path} is there already; --force overwrites it`);
  for (const { path, text, secret = false } of files) {
    const mode = secret ? 0o600 : 0o644;
    const partial = `${path}.${process.pid}`;
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(partial, text, { mode });
      // A umask takes away from the mode, and a file that was left there has its own.
      chmodSync(partial, mode);
      renameSync(partial, path);
    } catch (error) {
      throw new CommandError((error as Error).message);
    }
  }
}
