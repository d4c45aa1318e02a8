import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, type ConfigIssue } from '@trivium/service';
import { parseArguments } from './arguments.ts';
import { HELP } from './help.ts';
import { startHub } from './hub.ts';
import { isLauncher, readHubFile } from './hub-file.ts';
import { writeNatsFiles } from './nats-files.ts';
import { planHub, type Plan } from './plan.ts';
import { conflicts, takenPorts } from './port-check.ts';
import { readyScreen } from './screen.ts';
import { SERVICES, type ServiceSpec } from './service-table.ts';
import { readSettings, type Settings } from './settings.ts';
import { createStopSignals } from './stop-signals.ts';
import { createTerminal } from './terminal.ts';

const EXIT_CONFIG = 78;
/** How long a hub whose launcher was killed may take to drain. */
const PREVIOUS_HUB_MS = 20_000;

export interface UpOptions {
  root: string;
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** `trivium.yaml`, when there is one. */
  file?: { name: string; text: string } | undefined;
  write(text: string): void;
  services?: readonly ServiceSpec[];
  /** The key of an administrator, made at the first start of a hub only. Rejects when that cannot be done. */
  firstKey(plan: Plan): Promise<string | undefined>;
}

/** Runs the hub until a signal ends it. Resolves to the exit code of the launcher. */
export async function up(options: UpOptions): Promise<number> {
  const { root, args, env, file, write, services = SERVICES, firstKey } = options;
  const began = performance.now();
  const asked = parseArguments(
    args,
    services.map((service) => service.name),
  );
  if (asked.help) return say(HELP, 0);
  const settings = trySettings(env, file);
  const wrong = [
    ...asked.errors,
    ...(settings instanceof ConfigError ? settings.issues.map(describeIssue) : []),
  ];
  if (settings instanceof ConfigError || wrong.length > 0) return refuse(wrong, EXIT_CONFIG);

  const natsServer = env['TRIVIUM_NATS_SERVER'] || join(root, '.trivium', 'bin', 'nats-server');
  const plan = planHub({
    root,
    node: process.execPath,
    natsServer,
    env,
    settings,
    scale: asked.scale,
    services,
  });
  const listeners = plan.processes.flatMap((one) => one.listeners);
  const clashes = conflicts(listeners);
  if (clashes.length > 0) return refuse(clashes, EXIT_CONFIG);

  const terminal = createTerminal(write, () => performance.now());
  const blocked = await whatIsInTheWay(plan, (line) => terminal.say(line));
  if (blocked.length > 0) return refuse(blocked, 1);

  return run(plan, settings);

  function say(text: string, code: number): number {
    write(text);
    return code;
  }

  function refuse(lines: readonly string[], code: number): number {
    return say(`npm start: cannot start:\n${lines.map((line) => `  - ${line}`).join('\n')}\n`, code);
  }

  function withoutKey(error: unknown): undefined {
    terminal.say(`no key of an administrator was made (npx trivium keys create makes one): ${String(error)}`);
  }

  async function run(plan: Plan, { auth, up: { readyTimeoutMs, stopTimeoutMs } }: Settings): Promise<number> {
    if (plan.ownNats) writeNatsFiles(root, plan.dataDir);
    terminal.say(`starting ${plan.processes.map((one) => one.name).join(', ')}`);
    const hub = startHub({ plan, terminal, readyTimeoutMs, stopTimeoutMs });
    const asked = Promise.withResolvers<void>();
    const onSignal = createStopSignals(
      {
        stop(signal) {
          terminal.say(`${signal}: draining; a second one ends everything at once`);
          asked.resolve();
          void hub.stop();
        },
        force() {
          terminal.say('ending everything at once');
          hub.kill();
        },
      },
      () => performance.now(),
    );
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    signals.forEach((signal) => process.on(signal, onSignal));
    let stopAsked = false;
    void asked.promise.then(() => (stopAsked = true));

    const code = await hub.ready;
    if (code === 0 && !stopAsked) {
      const tookMs = performance.now() - began;
      const key = plan.ownNats ? await firstKey(plan).catch(withoutKey) : undefined;
      write(readyScreen(plan, { tookMs, authRequired: auth.required, key }));
    }
    if (code === 0) await asked.promise;
    await hub.stop();
    signals.forEach((signal) => process.off(signal, onSignal));
    return stopAsked ? 0 : code;
  }
}

function trySettings(env: UpOptions['env'], file: UpOptions['file']): Settings | ConfigError {
  try {
    return readSettings(env, file);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

const describeIssue = ({ source, setting, message }: ConfigIssue): string =>
  `${source}: ${setting === '' ? '' : `${setting} `}${message}`;

/** Why the plan cannot be started here and now. Waits for a hub whose launcher was killed: its processes are on their way out. */
async function whatIsInTheWay(plan: Plan, say: (line: string) => void): Promise<string[]> {
  const previous = readHubFile(join(plan.dataDir, 'hub.json'));
  if (previous !== undefined && isLauncher(previous.launcher.pid)) {
    return [
      `a hub already runs on ${plan.dataDir} (process ${previous.launcher.pid}); stop it, or set TRIVIUM_DATA_DIR and TRIVIUM_PORT_OFFSET`,
    ];
  }
  const listeners = plan.processes.flatMap((one) => one.listeners);
  let taken = await takenPorts(listeners);
  if (previous === undefined || taken.length === 0) return taken;
  say('the hub before was not stopped in order, waiting for its processes to end');
  for (const until = performance.now() + PREVIOUS_HUB_MS; taken.length > 0 && performance.now() < until;) {
    await sleep(200);
    taken = await takenPorts(listeners);
  }
  return taken;
}
