import { hubPlace } from '../hub-place.ts';
import type { HubSettings } from '../hub-settings.ts';
import { natsOf } from '../nats-of.ts';

/** Where NATS is looked for, and by what we show who we are. No secret. */
export function natsPlace(settings: HubSettings, env: NodeJS.ProcessEnv): string {
  const { url, nkeyFile } = natsOf(settings, hubPlace(settings.dataDir), env);
  const { credsFile, user } = settings.nats;
  const at = url.replaceAll(/\/\/[^@/,]*@/g, '//');
  if (nkeyFile !== undefined) return `${at}, by the key ${nkeyFile}`;
  if (credsFile !== undefined) return `${at}, by ${credsFile}`;
  return user === undefined ? `${at}, without credentials` : `${at}, as user ${user}`;
}
