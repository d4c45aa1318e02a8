import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { authSection } from '@trivium/identity';
import { readConfig } from '@trivium/service';
import { Type, type Static } from 'typebox';
import { CommandError } from './command.ts';

const door = (port: number) =>
  Type.Object({
    host: Type.String({ default: '127.0.0.1' }),
    port: Type.Integer({ default: port }),
  });

const settingsSchema = Type.Object({
  dataDir: Type.Optional(Type.String({ minLength: 1 })),
  portOffset: Type.Integer({ default: 0 }),
  admin: door(9101),
  auth: Type.Object({ argon2: authSection.properties.argon2 }),
  http: door(8080),
  mqtt: door(1883),
});

export type HubSettings = Omit<Static<typeof settingsSchema>, 'dataDir'> & { readonly dataDir: string };

/** The file of settings that services read too; undefined where there is none. Throws a `CommandError` when it cannot be read. */
export function settingsFile(env: NodeJS.ProcessEnv): { name: string; text: string } | undefined {
  const asked = env['TRIVIUM_CONFIG'] ?? '';
  const path = asked === '' ? 'trivium.yaml' : asked;
  if (asked === '' && !existsSync(path)) return undefined;
  try {
    return { name: basename(path), text: readFileSync(path, 'utf8') };
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
}

/** Where the hub of this machine has its files and ports. Throws a `ConfigError`. */
export function hubSettings(env: NodeJS.ProcessEnv): HubSettings {
  const file = settingsFile(env);
  const read = readConfig({ service: 'trivium', schema: settingsSchema, env, file, partial: true });
  // As `npm start` has it: hubs apart by their offset do not share data.
  const usual = read.portOffset === 0 ? '.trivium' : join('.trivium', `offset-${read.portOffset}`);
  return { ...read, dataDir: read.dataDir ?? usual };
}
