import { connectBus, type Bus } from '@trivium/bus';
import { AuditRecord, decodeJson } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { vi } from 'vitest';
import type { AuthConfig } from '../config.ts';
import { createIdentity, type IdentityOptions, type StoredIdentity } from '../create-identity.ts';
import type { Credentials, Source } from '../identity.ts';
import { storeCredential, type CredentialChange } from '../stored/credentials.ts';
import type { Principal } from '../principal.ts';

/** What keeps tests quick. */
export const CHEAP = { memoryKiB: 1_024, passes: 1 };
export const AUTHOR = { principal: 'root', service: 'test' };

export const BEYOND: Source = { address: '192.0.2.1', loopback: false };
export const LOOPBACK: Source = { address: '127.0.0.1', loopback: true };

export interface ConfigChange extends Partial<Omit<AuthConfig, 'jwt'>> {
  jwt?: Partial<AuthConfig['jwt']>;
}

export function authConfig({ jwt, ...change }: ConfigChange = {}): AuthConfig {
  return {
    required: false,
    scram: {},
    jwt: { keys: '', issuer: '', audience: '', nameClaim: 'sub', groupsClaim: 'groups', ...jwt },
    certificate: { name: 'cn' },
    argon2: CHEAP,
    ...change,
  };
}

export function withPassword(user: string, password: string): Credentials {
  return { by: 'password', user, password: Buffer.from(password) };
}

export interface Site extends AsyncDisposable {
  readonly nats: NatsServer;
  readonly bus: Bus;
  /** Every line that was logged. */
  logged(): string;
  /** Not waited for; closed with the site. */
  begin(config?: ConfigChange, options?: Partial<IdentityOptions>): StoredIdentity;
  /** Ready. */
  identity(config?: ConfigChange, options?: Partial<IdentityOptions>): Promise<StoredIdentity>;
  /** Stores it, with cheap hashes. */
  user(change: CredentialChange): Promise<void>;
  /** All records so far, once they are as many. */
  audit(atLeast: number): Promise<AuditRecord[]>;
}

/** A NATS of its own, and what uses it. */
export async function startSite(): Promise<Site> {
  const lines: string[] = [];
  const line = vi.fn((fields: object, message: string) => {
    const { error } = fields as { error?: unknown };
    lines.push(JSON.stringify({ ...fields, error: String(error), message }));
  });
  const logger = { debug: line, info: line, warn: line, error: line };
  const nats = await startNats();
  const bus = await connectBus({ config: { url: nats.url, name: 'identity' }, logger });
  const identities: StoredIdentity[] = [];

  const records = async (): Promise<AuditRecord[]> => {
    const last = await bus.lastPos('AUDIT');
    const all: AuditRecord[] = [];
    for (let pos = 1; pos <= last; pos++) {
      const message = await bus.read('AUDIT', pos);
      const record = decodeJson(AuditRecord, message!.data);
      if (!record.ok) throw new Error(record.error.message);
      all.push(record.value);
    }
    return all;
  };

  const begin: Site['begin'] = (config, options) => {
    const fixed = { bus, allowAnonymous: false, logger, service: 'test' };
    const identity = createIdentity({ ...fixed, config: authConfig(config), ...options });
    identities.push(identity);
    return identity;
  };

  return {
    ...{ nats, bus },
    logged: () => lines.join('\n'),
    begin,
    async identity(config, options) {
      const identity = begin(config, options);
      await identity.ready;
      return identity;
    },
    async user(change) {
      await storeCredential(bus, change, AUTHOR, { cost: CHEAP });
    },
    async audit(atLeast) {
      let all: AuditRecord[] = [];
      await waitFor(async () => (all = await records()).length >= atLeast, { timeoutMs: 30_000 });
      return all;
    },
    async [Symbol.asyncDispose]() {
      for (const identity of identities) identity.close();
      await bus.close();
      await nats.stop();
    },
  };
}

/** Who signed in, or the code of the refusal. */
export async function outcome(
  identity: StoredIdentity,
  credentials: Credentials,
  source: Source = BEYOND,
): Promise<Principal | string> {
  const result = await identity.signIn(credentials, source);
  return result.ok ? result.value : result.error.code;
}
