import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFirstKey } from './first-key.ts';
import { up } from './up.ts';

const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

const configFile = process.env['TRIVIUM_CONFIG'] || join(ROOT, 'trivium.yaml');

process.exitCode = await up({
  root: ROOT,
  args: process.argv.slice(2),
  env: process.env,
  file: existsSync(configFile) ? { name: configFile, text: readFileSync(configFile, 'utf8') } : undefined,
  write: (text) => void process.stdout.write(text),
  firstKey: createFirstKey(ROOT, process.env),
});
// Whatever is still open, such as the channel to a service that had to be killed, must not keep the launcher.
process.exit();
