import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { repoRoot } from '@trivium/testing';
import { bench } from './bench.ts';
import type { Peer } from './brokers/broker.ts';
import { external } from './brokers/external.ts';
import { hub } from './brokers/hub.ts';
import { mosquitto } from './brokers/mosquitto.ts';
import { natsMqtt } from './brokers/nats-mqtt.ts';
import { commandsCommand } from './commands/command.ts';
import { type BenchOptions, HELP, parseOptions, type PeerName } from './options.ts';
import { reconnectCommand } from './reconnect/command.ts';
import { createReport } from './report/json.ts';
import { renderTables } from './report/table.ts';
import { failures, targetLine } from './report/verdict.ts';

const root = repoRoot();

function createPeer(name: PeerName, { external: given }: BenchOptions): Peer | undefined {
  switch (name) {
    case 'hub':
    case 'hub5':
    case 'hub-guarded':
      return hub(root, name);
    case 'mosquitto':
      return mosquitto(process.env);
    case 'nats':
      return natsMqtt();
    case 'external':
      return given && external(given.target, given.pids);
  }
}

async function run(options: BenchOptions): Promise<number> {
  const startedAt = new Date();
  const progress = (line: string) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const stop = new AbortController();
  const interrupted = () => {
    if (stop.signal.aborted) process.exit(130);
    progress('stopping after this run; once more to stop at once');
    stop.abort();
  };
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);

  const peers: Peer[] = [];
  const brokers: Record<string, string> = {};
  for (const name of options.peers) {
    const peer = createPeer(name, options);
    const what = await peer?.describe();
    if (peer !== undefined && what !== undefined) {
      peers.push(peer);
      brokers[name] = what;
    } else if (options.peersAreNamed || name === 'hub') {
      progress(`${name} is not there (npm run setup, or install it)`);
      return 1;
    } else progress(`${name} is not there: left out`);
  }

  const results = await bench({ peers, options, progress, signal: stop.signal });
  const json = `${JSON.stringify(createReport(startedAt, brokers, options, results), null, 2)}\n`;
  const usual = join(root, '.trivium', 'bench', `${startedAt.toISOString().replaceAll(':', '-')}.json`);
  const file = options.out === undefined ? usual : resolve(options.out);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, json);

  process.stdout.write(options.json ? json : `\n${renderTables(results)}\n\n`);
  const target = targetLine(results);
  if (target !== undefined) progress(target);
  const failed = failures(results);
  for (const failure of failed) progress(`failed: ${failure}`);
  progress(`written to ${file}`);
  if (stop.signal.aborted) return 130;
  return failed.length > 0 ? 1 : 0;
}

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  if (command === 'commands') return await commandsCommand(root, rest);
  if (command === 'reconnect') return await reconnectCommand(root, rest);
  const parsed = parseOptions(args);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(HELP);
      return 0;
    case 'invalid':
      process.stderr.write(`${parsed.message}\n\n${HELP}`);
      return 2;
    case 'run':
      return await run(parsed.options);
  }
}

process.exitCode = await main(process.argv.slice(2));
