import { freePorts, startNats } from '@trivium/testing';
import { startDoor, startService } from '../brokers/service-process.ts';
import { Histogram } from '../generator/histogram.ts';
import type { Address } from '../generator/plan.ts';
import { describeMachine } from '../report/machine.ts';
import { readUsage } from '../usage.ts';
import { openCaller } from './caller.ts';
import { COMMANDS_HELP, parseCommandsOptions, type CommandsOptions } from './commands-options.ts';
import { openDevice } from './device.ts';

export interface CommandsResult {
  answered: number;
  /** Answers that were not what the device called had sent. */
  wrong: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Of NATS and both doors, for a thousand commands; undefined where it cannot be read. */
  cpuMsPerCommand: number | undefined;
}

/** `npm run bench -- commands`. Returns the exit status. */
export async function commandsCommand(root: string, args: readonly string[]): Promise<number> {
  const parsed = parseCommandsOptions(args);
  if (parsed.kind === 'help') {
    process.stdout.write(COMMANDS_HELP);
    return 0;
  }
  if (parsed.kind === 'invalid') {
    process.stderr.write(`${parsed.message}\n\n${COMMANDS_HELP}`);
    return 2;
  }
  const { options } = parsed;
  const progress = (line: string) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const result = await measureCommands(root, options, progress);
  if (options.json)
    process.stdout.write(`${JSON.stringify({ machine: describeMachine(), options, ...result }, null, 2)}\n`);
  progress(
    `${Math.round(result.perSecond)} commands/s answered by ${options.devices} devices, p50 ${result.p50Ms.toFixed(1)} ms, ` +
      `p99 ${result.p99Ms.toFixed(1)} ms, ${result.cpuMsPerCommand?.toFixed(2) ?? '?'} ms of CPU each`,
  );
  if (result.wrong > 0) progress(`failed: ${result.wrong} answers were wrong`);
  if (result.perSecond < options.goal) progress(`failed: the goal is ${options.goal} commands/s`);
  return result.wrong > 0 || result.perSecond < options.goal ? 1 : 0;
}

/** NATS, an MQTT door and an HTTP door; every caller sends one command after the other. */
export async function measureCommands(
  root: string,
  options: CommandsOptions,
  progress: (line: string) => void,
): Promise<CommandsResult> {
  await using all = new AsyncDisposableStack();
  const nats = all.use(await startNats({ mode: 'binary' }));
  const natsUrl = nats.url;
  const [mqttPort = 0, mqttAdmin = 0, httpPort = 0, httpAdmin = 0] = await freePorts(4);
  const door = all.use(await startDoor({ root, natsUrl, port: mqttPort, adminPort: mqttAdmin }));
  const env = { TRIVIUM_HTTP_PORT: String(httpPort) };
  const http = all.use(await startService({ root, app: 'http-ingress', natsUrl, adminPort: httpAdmin, env }));
  const mqtt: Address = { host: '127.0.0.1', port: mqttPort };

  const readBuffer = Buffer.allocUnsafeSlow(64 << 10);
  const names = Array.from({ length: options.devices }, (_, i) => `device-${i}`);
  for (const name of names) {
    const link = await openDevice(mqtt, name, readBuffer);
    all.defer(() => link.close());
  }
  progress(`${names.length} devices are there; ${options.callers} callers for ${options.seconds} s …`);

  const latencies = new Histogram();
  let answered = 0;
  let wrong = 0;
  let next = 0;
  const pids = [nats.pid()!, door.pid, http.pid];
  const before = await readUsage(pids);
  const began = performance.now();
  const endsAt = began + options.seconds * 1_000;
  const filler = 'x'.repeat(Math.max(0, options.payloadBytes - 12));
  await Promise.all(
    Array.from({ length: options.callers }, async () => {
      const caller = await openCaller('127.0.0.1', httpPort);
      while (performance.now() < endsAt) {
        const number = next++;
        const body = `${String(number).padStart(12, '0')}${filler}`;
        const sentAt = performance.now();
        const given = await caller.call(names[number % names.length]!, body);
        latencies.add(performance.now() - sentAt);
        answered++;
        if (given.status !== 200 || given.body !== body) wrong++;
      }
      caller.close();
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  const after = await readUsage(pids);
  const cpuS = before && after && after.cpuS - before.cpuS;
  return {
    ...{ answered, wrong, perSecond: answered / seconds },
    ...{ p50Ms: latencies.quantile(0.5), p99Ms: latencies.quantile(0.99), maxMs: latencies.maxMs },
    cpuMsPerCommand: cpuS === undefined ? undefined : (cpuS * 1_000) / answered,
  };
}
