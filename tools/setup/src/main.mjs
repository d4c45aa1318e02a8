import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureNode, installDependencies, installedMatchesLock } from './dependencies.mjs';
import { askVersion, firstUsable, natsSources, placeServer } from './nats-server.mjs';
import { formatVersion } from './nats-version.mjs';
import { BENCH_PEERS, ensureClients, TEST_CLIENTS } from './outside-clients.mjs';
import { places as placesOf } from './places.mjs';
import { createProgress, seconds } from './progress.mjs';
import { run } from './run.mjs';
import { SetupError } from './setup-error.mjs';
import { dependenciesMark, fileMark, readStamp, writeStamp } from './stamp.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

const HELP = `Usage: node tools/setup/setup.mjs [--test] [--bench]

Gets what the project runs on; npm start, npm test and npm run bench call it. Does nothing when all is there.

  the npm dependencies, Node 24 among them (npm ci)
  nats-server 2.15 or newer, below 3: on PATH, in the cache, the release, or from Debian's newer suite
  (none of it when TRIVIUM_NATS_SERVER names one)

  --test     also the outside clients of the tests: mosquitto-clients, python3-paho-mqtt, chromium
  --bench    also the broker that the benchmark compares with: mosquitto
             (both: installed where this is root on Debian, listed as missing elsewhere)
  --help     this text
`;

/**
 * @param {readonly string[]} args
 * @returns {Promise<number>} the exit code: 0 set up, 1 something could not be had, 78 wrong arguments
 */
export async function main(args) {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP);
    return 0;
  }
  const unknown = args.filter((arg) => arg !== '--test' && arg !== '--bench');
  if (unknown.length > 0) {
    process.stderr.write(`setup: unknown argument ${unknown.join(', ')}; see --help\n`);
    return 78;
  }
  const progress = createProgress({
    write: (text) => process.stdout.write(text),
    now: () => performance.now(),
  });
  try {
    const began = performance.now();
    await setUp(progress);
    const clients = [
      ...(args.includes('--test') ? TEST_CLIENTS : []),
      ...(args.includes('--bench') ? BENCH_PEERS : []),
    ];
    const mayInstall = process.platform === 'linux' && process.getuid?.() === 0 && (await hasApt());
    await ensureClients({ clients, run, progress, mayInstall });
    process.stdout.write(`setup: ready in ${seconds(performance.now() - began)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`\nsetup: ${error.message}\n\n${error.hint}\n`);
    return 1;
  }
}

const hasApt = async () => (await run('apt-get', ['--version'])).code === 0;

/** @param {import('./progress.mjs').Progress} progress */
async function setUp(progress) {
  const { platform, arch, env } = process;
  const places = placesOf({ root: ROOT, platform, env });
  const stamp = await readStamp(places.stamp);

  const before = await dependenciesMark(ROOT, process);
  if (before === undefined || before !== stamp.dependencies) {
    if (!(await installedMatchesLock(ROOT)))
      await progress.step('installing the npm dependencies', () => installDependencies(ROOT, run));
    progress.note(`Node ${await ensureNode(ROOT, run, platform)}`);
    await writeStamp(places.stamp, withMark(stamp, 'dependencies', await dependenciesMark(ROOT, process)));
  }

  // The launcher and the tests then start that one.
  if (env['TRIVIUM_NATS_SERVER']) return;
  const server = await fileMark(places.natsServer);
  if (server === undefined || server !== stamp.natsServer) {
    const sources = natsSources({ places, platform, arch, env, run });
    const found = await firstUsable(sources, askVersion(run), progress);
    await placeServer(found.path, places.natsServer, found.source.placed);
    progress.note(`nats-server ${formatVersion(found.version)} (${found.source.name})`);
    const latest = await readStamp(places.stamp);
    await writeStamp(places.stamp, withMark(latest, 'natsServer', await fileMark(places.natsServer)));
  }
}

/**
 * @param {import('./stamp.mjs').Stamp} stamp
 * @param {keyof import('./stamp.mjs').Stamp} part
 * @param {string | undefined} mark
 */
const withMark = (stamp, part, mark) => (mark === undefined ? stamp : { ...stamp, [part]: mark });
