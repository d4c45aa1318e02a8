import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keyFile } from '@trivium/nats-access';

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
    natsUrl: natsOf(join(place, 'hub.json')),
    nkeyFile: existsSync(key) ? key : undefined,
  };
}

function natsOf(hubFile: string): string | undefined {
  try {
    const { nats } = JSON.parse(readFileSync(hubFile, 'utf8')) as { nats?: unknown };
    return typeof nats === 'string' ? nats : undefined;
  } catch {
    return undefined;
  }
}
