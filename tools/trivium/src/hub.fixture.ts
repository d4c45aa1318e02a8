import { connectBus, type Bus } from '@trivium/bus';
import { AuditRecord, decodeJson } from '@trivium/contracts';
import { startNats } from '@trivium/testing';
import { call, type Called } from './call.fixture.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface HubUnderTest extends AsyncDisposable {
  readonly bus: Bus;
  readonly natsUrl: string;
  /** A call that succeeds; its words are separated by blanks. */
  done(words: string, stdin?: string): Promise<string>;
  /** The same, with JSON for an answer. */
  json<T>(words: string): Promise<T>;
  trivium(words: readonly string[], stdin?: string): Promise<Called>;
  /** What the audit has, in its order. */
  audit(): Promise<AuditRecord[]>;
  /** Everything that is stored in a bucket, as text. */
  text(bucket: 'devices' | 'policies'): Promise<string>;
}

/** A NATS with the hub's streams, and the tool joined to it. */
export async function startHub(): Promise<HubUnderTest> {
  const nats = await startNats();
  const bus = await connectBus({ config: { url: nats.url, name: 'test' }, logger: quiet });
  // A site may make passwords cheap to verify.
  const env = {
    TRIVIUM_AUTH_ARGON2_MEMORY_KI_B: '1024',
    TRIVIUM_AUTH_ARGON2_PASSES: '1',
    TRIVIUM_DATA_DIR: '/nowhere',
  };
  const trivium: HubUnderTest['trivium'] = (words, stdin = '') => call(words, { bus, env, stdin });
  const done: HubUnderTest['done'] = async (words, stdin) => {
    const { code, out, err } = await trivium(words.split(' '), stdin);
    if (code !== 0) throw new Error(`${words}: ${code}\n${out}${err}`);
    return out;
  };
  return {
    bus,
    natsUrl: nats.url,
    trivium,
    done,
    json: async (words) => JSON.parse(await done(`${words} --json`)) as never,
    async audit() {
      const messages = await bus.readAfter('AUDIT', 0, 1_000);
      return messages.flatMap(({ data }) => {
        const record = decodeJson(AuditRecord, data);
        return record.ok ? record.value : [];
      });
    },
    async text(name) {
      const entries = await bus.bucket(name).entries();
      return entries.map(({ key, value }) => `${key} ${Buffer.from(value).toString()}\n`).join('');
    },
    async [Symbol.asyncDispose]() {
      await bus.close();
      await nats.stop();
    },
  };
}
