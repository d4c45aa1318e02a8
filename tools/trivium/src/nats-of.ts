import type { BaseConfig } from '@trivium/service';
import type { HubPlace } from './hub-place.ts';

export interface NatsAddress {
  readonly url: string;
  /** The key by which tools show who they are; undefined: none is needed, or the settings say something else. */
  readonly nkeyFile: string | undefined;
}

/** Where the settings say that NATS is, else where the hub on this machine has it, with its key for tools. */
export function natsOf(
  { nats }: Pick<BaseConfig, 'nats'>,
  place: HubPlace,
  env: NodeJS.ProcessEnv,
): NatsAddress {
  const url = env['TRIVIUM_NATS_URL'] ? nats.url : (place.natsUrl ?? nats.url);
  const otherwise = nats.credsFile !== undefined || nats.user !== undefined;
  return { url, nkeyFile: nats.nkeyFile ?? (otherwise ? undefined : place.nkeyFile) };
}
