import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { describeMachine } from '../report/machine.ts';
import { connectJetStream } from './jetstream.ts';
import { measureReconnect } from './measure.ts';
import { parseReconnectOptions, RECONNECT_HELP, type ReconnectOptions } from './reconnect-options.ts';
import { startSite } from './site.ts';
import { costLine, LIMIT_SECS, reconnectFailures, roundLine } from './verdict.ts';

/** `npm run bench -- reconnect`. Returns the exit status. */
export async function reconnectCommand(root: string, args: readonly string[]): Promise<number> {
  const parsed = parseReconnectOptions(args);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(RECONNECT_HELP);
      return 0;
    case 'invalid':
      process.stderr.write(`${parsed.message}\n\n${RECONNECT_HELP}`);
      return 2;
    case 'run':
      return await run(root, parsed.options);
  }
}

async function run(root: string, options: ReconnectOptions): Promise<number> {
  const startedAt = new Date();
  const progress = (line: string) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  await using site = await startSite(root);
  await using log = await connectJetStream(site.natsUrl);
  const measured = await measureReconnect(site, log, options, progress).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    progress(`failed: ${message}\n${site.problem() ?? ''}`.trimEnd());
  });
  if (measured === undefined) return 1;

  const failures = reconnectFailures(measured, options);
  const { out, json, ...settings } = options;
  const report = {
    ...{ at: startedAt.toISOString(), machine: describeMachine(), options: settings, limitSecs: LIMIT_SECS },
    ...{ ...measured, failures },
  };
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const name = `reconnect-${startedAt.toISOString().replaceAll(':', '-')}.json`;
  const file = out === undefined ? join(root, '.trivium', 'bench', name) : resolve(out);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);

  if (json) process.stdout.write(text);
  progress(costLine(measured, options));
  for (const round of measured.rounds) progress(roundLine(round));
  for (const failure of failures) progress(`failed: ${failure}`);
  if (failures.length > 0) progress(site.lastWords());
  progress(`written to ${file}`);
  return failures.length > 0 ? 1 : 0;
}
