import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keyFile } from '@trivium/nats-access';
import { readHubFile } from './hub-file.ts';

const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

export interface HubPlace {
  readonly dataDir: string;
  /** Where its NATS is, while a launcher runs it. */
  readonly natsUrl: string | undefined;
  /** The key for tools, when that NATS wants one. */
  readonly nkeyFile: string | undefined;
}

/** What the data directory of a hub on this machine tells of it. One that is not absolute is in the checkout, as for `npm start`. */
export function hubPlace(dataDir: string): HubPlace {
  const place = resolve(ROOT, dataDir);
  const key = keyFile(place, 'admin');
  return {
    dataDir: place,
    natsUrl: readHubFile(place)?.nats,
    nkeyFile: existsSync(key) ? key : undefined,
  };
}
