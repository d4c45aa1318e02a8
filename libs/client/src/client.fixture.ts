import type { TriviumError } from '@trivium/contracts';
import { createClient, type ClientEvents, type ClientOptions } from './client.ts';
import { fakePlatform } from './hub.fixture.ts';

/** A client on a hub that the test plays, and what it told. */
export function setUp(more: Partial<ClientOptions> = {}) {
  const platform = fakePlatform();
  const { clock, openSocket } = platform;
  const client = createClient({ url: 'ws://hub/', clock, openSocket, random: () => 1, ...more });
  const told: [keyof ClientEvents, unknown][] = [];
  for (const event of ['connected', 'disconnected', 'error'] as const)
    client.on(event, (what) => void told.push([event, what]));
  return { platform, client, told };
}

/** What became of a promise, once it has been settled. */
export function outcome<T>(promise: Promise<T>): { value?: T; code?: string } {
  const seen: { value?: T; code?: string } = {};
  promise.then(
    (value) => (seen.value = value),
    (error: TriviumError) => (seen.code = error.code),
  );
  return seen;
}

export const NEVER = new Promise<never>(() => undefined);
