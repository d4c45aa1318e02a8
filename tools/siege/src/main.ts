import { join } from 'node:path';
import { repoRoot, tempDir } from '@trivium/testing';
import { abuse, SCENARIOS } from './abuse/abuse.ts';
import { fuzz } from './fuzz/fuzz.ts';
import { fuzzedDoors } from './fuzz/doors.ts';
import { HELP, parseOptions, type Options } from './options.ts';
import { startSite, type Site } from './site.ts';

/** What a pair that does nothing wrong may notice, milliseconds. */
const MOST_P99_MS = 50;

async function run(options: Options): Promise<number> {
  const progress = (line: string): void => void process.stdout.write(`${line}\n`);
  const stop = new AbortController();
  process.on('SIGINT', () => stop.abort());
  await using data = await tempDir('trivium-siege-');
  await using site = await startSite(data.path);
  const problems =
    options.part === 'fuzz'
      ? await fuzzAll(site, options, stop.signal, progress)
      : await abuseAll(site, data.path, options, stop.signal, progress);
  for (const problem of problems) progress(`FOUND ${problem}`);
  progress(problems.length === 0 ? 'nothing was found' : `${problems.length} found`);
  return problems.length === 0 ? 0 : 1;
}

async function fuzzAll(
  site: Site,
  { seed, count, doors }: Options & { part: 'fuzz' },
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<string[]> {
  progress(`seed ${seed}`);
  const problems: string[] = [];
  for (const door of fuzzedDoors(site).filter(({ name }) => doors.includes(name))) {
    if (signal.aborted) break;
    const { sent, rssMiB, problem } = await fuzz(site, door, { seed, count, signal, progress });
    progress(
      `${door.name}: ${sent} packets; resident MiB ${rssMiB.map((mib) => mib?.toFixed(0)).join(' → ')}`,
    );
    if (problem !== undefined) problems.push(`${door.name} (seed ${seed}): ${problem}`);
  }
  return problems;
}

async function abuseAll(
  usual: Site,
  dataDir: string,
  { seconds, attacks }: Options & { part: 'abuse' },
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<string[]> {
  const problems: string[] = [];
  for (const scenario of SCENARIOS.filter(({ attack }) => attacks.includes(attack))) {
    if (signal.aborted) break;
    const { settings } = scenario;
    await using own = settings && (await startSite(join(dataDir, scenario.attack), settings));
    const site = own ?? usual;
    const { attack, door, pair, did, problem } = await abuse(site, scenario, seconds * 1_000);
    const { p50, p99, max } = pair;
    progress(
      `${attack} on ${door}: p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)} ms; ${did}`,
    );
    if (problem !== undefined) problems.push(`${attack} on ${door}: ${problem}`);
    else if (!(p99 < MOST_P99_MS))
      problems.push(`${attack} on ${door}: p99 of the good clients ${p99.toFixed(1)} ms`);
  }
  return problems;
}

process.chdir(repoRoot());
const parsed = parseOptions(process.argv.slice(2), Math.floor(Math.random() * 1e9));
switch (parsed.kind) {
  case 'help':
    process.stdout.write(HELP);
    break;
  case 'invalid':
    process.stderr.write(`${parsed.message}\n\n${HELP}`);
    process.exitCode = 2;
    break;
  case 'run':
    process.exitCode = await run(parsed.options);
    break;
}
