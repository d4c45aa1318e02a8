import { storeCredential, type CredentialChange } from '@trivium/identity';
import { author } from '../author.ts';
import type { Invocation } from '../command.ts';
import { hubSettings } from '../hub-settings.ts';

/** Changes credentials that are there; throws a `TriviumError` when there are none. */
export async function change({ bus, env }: Invocation, wanted: CredentialChange): Promise<void> {
  const { argon2: cost } = hubSettings(env).auth;
  await storeCredential(await bus(), wanted, author(), { expect: 'known', cost });
}
