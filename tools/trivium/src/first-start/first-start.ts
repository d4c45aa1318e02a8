import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApiKey, storeCredential } from '@trivium/identity';
import { CommandError, EXIT, type Command, type Invocation } from '../command.ts';
import { hubPlace } from '../hub-place.ts';
import { hubSettings } from '../hub-settings.ts';
import { wordsOf } from '../words.ts';

const HELP = `Usage: trivium first-start [--device <name>] [--http <url>] [--mqtt <host:port>] [--json]

Makes the first credentials of a hub, once for each data directory, and shows them, once: an API key of an administrator, and the password of
a device. A later call does nothing; trivium keys create and trivium devices create make others. npm start and compose call it.

  --device <name>       makes a device too
  --http, --mqtt        addresses for the examples that are printed
`;

/** In the data directory, when it has been done. No secrets in it; the launcher looks whether it is there. */
const DONE = 'first-start.json';
const ADMINISTRATOR = 'admin';

interface First {
  readonly administrator: { readonly name: string; readonly key: string };
  readonly device?: { readonly name: string; readonly password: string };
}

export const firstStart: Command = { help: HELP, run };

async function run({ args, json, out, env, bus }: Invocation): Promise<number> {
  const { options } = wordsOf(args, { least: 0, options: ['device', 'http', 'mqtt'] });
  const { dataDir } = hubPlace(hubSettings(env).dataDir);
  const done = join(dataDir, DONE);
  if (existsSync(done)) {
    out(
      json
        ? '{}\n'
        : 'The first credentials were made and shown before; trivium keys create makes another key.\n',
    );
    return EXIT.ok;
  }
  const author = { principal: 'first-start', service: 'trivium' };
  const hub = await bus();
  const { key, record } = await createApiKey(
    hub,
    { name: ADMINISTRATOR, groups: ['administrators'] },
    author,
  );
  const name = options.device;
  const device = name === undefined ? undefined : { name, password: randomBytes(18).toString('base64url') };
  if (device !== undefined) await storeCredential(hub, device, author);
  try {
    mkdirSync(dataDir, { recursive: true });
    const content = { at: new Date().toISOString(), administrator: record.id, device: name };
    writeFileSync(done, `${JSON.stringify(content)}\n`, { flush: true });
  } catch (error) {
    throw new CommandError(`${done}: ${(error as Error).message}`);
  }
  const first: First = { administrator: { name: ADMINISTRATOR, key }, ...(device && { device }) };
  out(json ? `${JSON.stringify(first)}\n` : forPeople(first, options.http, options.mqtt));
  return EXIT.ok;
}

function forPeople(
  { administrator, device }: First,
  http: string | undefined,
  mqtt: string | undefined,
): string {
  const [host, port] = (mqtt ?? '127.0.0.1:1883').split(':');
  const lines = [
    'The first credentials of this hub. They are shown this once and kept nowhere:',
    '',
    `  key of an administrator   ${administrator.key}`,
    ...(device ? [`  a device                  ${device.name}, password ${device.password}`] : []),
    '',
    `  curl -H 'Authorization: Bearer ${administrator.key}' ${http ?? 'http://127.0.0.1:8080'}/v1/devices`,
    ...(device
      ? [
          `  mosquitto_pub -h ${host} -p ${port} -u ${device.name} -P '${device.password}' -q 1 -t demo/hello -m hello`,
        ]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}
