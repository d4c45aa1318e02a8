import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { repoRoot, tempDir } from '@trivium/testing';
import { chaos, USUAL_PACE } from './chaos.ts';
import { HELP, parseOptions, type Options } from './options.ts';
import { describeMachine } from './report/machine.ts';
import { describeOffenders } from './report/offenders.ts';
import { findingLines, summarise } from './report/summary.ts';
import { renderTable } from './report/table.ts';
import { externalTarget } from './targets/external.ts';
import { startHub } from './targets/hub.ts';
import type { World } from './world.ts';

async function run(options: Options): Promise<number> {
  const progress = (line: string) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const stop = new AbortController();
  const interrupted = () => {
    if (stop.signal.aborted) process.exit(130);
    progress('no more kills, accounting; once more to stop at once');
    stop.abort();
  };
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);

  const data = await tempDir('trivium-chaos-');
  let keep = options.keep;
  try {
    progress(`seed ${options.seed}`);
    await using target = options.external
      ? externalTarget(options.external)
      : await startHub(repoRoot(), data.path);
    const result = await chaos(target, { ...options, pace: USUAL_PACE, signal: stop.signal, progress });
    const summary = summarise(result);
    keep ||= !summary.passed;
    if (keep) await writeTrace(result.world, join(data.path, 'trace.txt'));
    if (options.json) {
      const { examples } = result.world.findings;
      const report = {
        seed: options.seed,
        machine: describeMachine(),
        ...summary,
        kills: result.kills,
        examples,
      };
      process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    } else process.stdout.write(`\n${renderTable(summary)}\n\n`);
    for (const line of [...summary.notes, ...describeOffenders(result.world), ...findingLines(summary)])
      progress(line);
    progress(
      summary.passed
        ? `every message is accounted for (seed ${options.seed})`
        : `failed (seed ${options.seed})`,
    );
    return summary.passed ? 0 : 1;
  } finally {
    if (keep) progress(`data, logs and trace: ${data.path}`);
    else await data.remove();
  }
}

async function writeTrace({ trace }: World, file: string): Promise<void> {
  const lines = function* () {
    for (const line of trace.lines()) yield `${line}\n`;
  };
  await pipeline(Readable.from(lines()), createWriteStream(file));
}

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
