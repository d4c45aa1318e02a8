import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keyFile } from '@trivium/nats-access';

const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const USUAL = '.trivium';

export interface HubPlace {
  /** As `npm start` works it out: hubs of one checkout that differ by their offset do not share data. */
  dataDir: string;
  /** Where its NATS is, while a launcher runs it. */
  natsUrl: string | undefined;
  /** The key for tools, when that NATS wants one. */
  nkeyFile: string | undefined;
}

/** What the data directory of a hub on this machine tells of it. */
export function hubPlace(settings: { dataDir: string; portOffset: number }): HubPlace {
  const offset = settings.portOffset > 0 && settings.dataDir === USUAL;
  const dataDir = resolve(ROOT, offset ? join(USUAL, `offset-${settings.portOffset}`) : settings.dataDir);
  const key = keyFile(dataDir, 'admin');
  return { dataDir, natsUrl: natsOf(join(dataDir, 'hub.json')), nkeyFile: existsSync(key) ? key : undefined };
}

function natsOf(hubFile: string): string | undefined {
  try {
    const { nats } = JSON.parse(readFileSync(hubFile, 'utf8')) as { nats?: unknown };
    return typeof nats === 'string' ? nats : undefined;
  } catch {
    return undefined;
  }
}
