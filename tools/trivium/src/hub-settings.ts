import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { authSection } from '@trivium/identity';
import { readConfig, serviceSchema } from '@trivium/service';
import { tlsSection } from '@trivium/tls';
import { Type, type Static } from 'typebox';
import { CommandError } from './command.ts';

const door = (port: number, tlsPort: number) =>
  Type.Object({
    host: Type.String({ default: '127.0.0.1' }),
    port: Type.Integer({ default: port }),
    tlsPort: Type.Integer({ default: tlsPort }),
    tlsCert: Type.Optional(Type.String({ minLength: 1 })),
  });

/** What tools need of the settings of services. */
const settingsSchema = Type.Object({
  ...serviceSchema(9101, {}).properties,
  dataDir: Type.Optional(Type.String({ minLength: 1 })),
  auth: authSection,
  tls: tlsSection,
  mqtt: door(1883, 8883),
  ws: door(8083, 8084),
  http: door(8080, 8443),
});

export type HubSettings = Omit<Static<typeof settingsSchema>, 'dataDir'> & { readonly dataDir: string };

/** The file of settings that services read too; undefined where there is none. Throws a `CommandError` when it cannot be read. */
function settingsFile(env: NodeJS.ProcessEnv): { name: string; text: string } | undefined {
  const asked = env['TRIVIUM_CONFIG'] ?? '';
  const path = asked === '' ? 'trivium.yaml' : asked;
  if (asked === '' && !existsSync(path)) return undefined;
  try {
    return { name: basename(path), text: readFileSync(path, 'utf8') };
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
}

/** Of the hub that the environment and `trivium.yaml` are of. Throws a `ConfigError`. */
export function hubSettings(env: NodeJS.ProcessEnv): HubSettings {
  const file = settingsFile(env);
  const read = readConfig({ service: 'trivium', schema: settingsSchema, env, file, partial: true });
  // As `npm start` has it: hubs apart by their offset do not share data.
  const usual = read.portOffset === 0 ? '.trivium' : join('.trivium', `offset-${read.portOffset}`);
  return { ...read, dataDir: read.dataDir ?? usual };
}
