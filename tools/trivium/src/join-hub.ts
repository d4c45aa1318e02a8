import { connectBus, type Bus } from '@trivium/bus';
import { busConfig, loadConfig, serviceSchema } from '@trivium/service';
import { CommandError } from './command.ts';
import { hubPlace } from './hub-place.ts';
import { hubSettings } from './hub-settings.ts';
import { natsOf } from './nats-of.ts';

const command = 'trivium';
/** As whom NATS knows tools. */
const name = 'admin';
const PATIENCE_MS = 10_000;
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * The bus of the hub that the environment and `trivium.yaml` name, or of the one that runs on the data directory. Its streams and buckets stay
 * as they are.
 */
export async function joinHub(env: NodeJS.ProcessEnv): Promise<Bus> {
  const config = loadConfig({ service: command, schema: serviceSchema(0, {}), env, partial: true });
  const { url, nkeyFile } = natsOf(config, hubPlace(hubSettings(env).dataDir), env);
  let given: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    given = setTimeout(
      () => reject(new CommandError(`no NATS at ${url} (TRIVIUM_NATS_URL); is the hub running?`)),
      PATIENCE_MS,
    );
  });
  const bus = connectBus({
    config: { ...busConfig(config, name, 'none'), url, ...(nkeyFile && { nkeyFile }) },
    logger: quiet,
  });
  try {
    return await Promise.race([bus, late]);
  } finally {
    clearTimeout(given);
  }
}
