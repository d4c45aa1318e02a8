import type { Bus } from '@trivium/bus';
import { EXIT, UsageError, type Command, type Invocation } from '../command.ts';
import { readHubFile, type RunningProcess } from '../hub-file.ts';
import { hubPlace } from '../hub-place.ts';
import type { HubSettings } from '../hub-settings.ts';
import { wordsOf } from '../words.ts';
import { checkCertificates } from './checks/certificates.ts';
import { checkContracts } from './checks/contracts.ts';
import { checkDoors } from './checks/doors.ts';
import { checkIdentity } from './checks/identity.ts';
import { checkLeases } from './checks/leases.ts';
import { checkNats } from './checks/nats.ts';
import { checkSessions } from './checks/sessions.ts';
import { checkSettings } from './checks/settings.ts';
import { checkShares } from './checks/shares.ts';
import { fail, skip, type Finding } from './finding.ts';
import { natsPlace } from './nats-place.ts';
import { report } from './report.ts';

const HELP = `Usage: trivium doctor [--json]

Looks at a hub as whoever runs it would: settings, NATS and its streams, disk, doors, leases, certificates, policies,
credentials, contracts, dead letters, shares and sessions. It changes nothing. Each finding is ok, warn or fail, and says
what to do. 1 when something fails.

  --admin <url>              the admin address of a process that npm start here does not run; any number of them
  --quiet                    only what is not ok
`;

export const doctor: Command = { help: HELP, run: examine };

async function examine({ args, json, out, env, bus }: Invocation): Promise<number> {
  const { options } = wordsOf(args, { least: 0, flags: ['quiet'] as const, lists: ['admin'] as const });
  const named = (options.admin ?? []).map(processAt);
  const { settings, findings } = checkSettings(env);
  if (settings === undefined)
    findings.push(skip('hub', 'nothing else was looked at: the settings are needed for it'));
  else findings.push(...(await lookAt(settings, named, { env, bus })));
  const ok = findings.every(({ level }) => level !== 'fail');
  if (json) out(`${JSON.stringify({ ok, findings }, null, 2)}\n`);
  else out(report(findings, options.quiet === true));
  return ok ? EXIT.ok : EXIT.no;
}

async function lookAt(
  settings: HubSettings,
  named: readonly RunningProcess[],
  around: Pick<Invocation, 'env' | 'bus'>,
): Promise<Finding[]> {
  const place = hubPlace(settings.dataDir);
  const running = readHubFile(place.dataDir)?.processes;
  const processes = running === undefined && named.length === 0 ? undefined : [...(running ?? []), ...named];
  const [doors, hub] = await Promise.all([checkDoors(processes, place.dataDir), lookAtHub(settings, around)]);
  return [...(await checkCertificates(settings, Date.now())), ...doors, ...hub];
}

/** What takes NATS. */
async function lookAtHub(
  settings: HubSettings,
  { env, bus: join }: Pick<Invocation, 'env' | 'bus'>,
): Promise<Finding[]> {
  const at = natsPlace(settings, env);
  let bus: Bus;
  try {
    bus = await join();
  } catch (error) {
    const todo = 'start it, or say where it is: TRIVIUM_NATS_URL; without it nothing durable is taken';
    return [
      fail('nats', (error as Error).message, todo),
      skip('hub', 'what is kept in NATS was not looked at'),
    ];
  }
  const inspected = await attempt('nats', async () => {
    const inspection = await bus.inspect();
    return [
      ...checkNats(inspection, at, hubPlace(settings.dataDir).dataDir),
      ...(await attempt('sessions', () => checkSessions(bus, inspection))),
    ];
  });
  const others = await Promise.all([
    attempt('leases', () => checkLeases(bus)),
    attempt('identity', () => checkIdentity(bus, settings, Date.now())),
    attempt('contracts', () => checkContracts(bus)),
    attempt('shares', () => checkShares(bus)),
  ]);
  return [...inspected, ...others.flat()];
}

const PATIENCE_MS = 30_000;

/** One that cannot be answered does not keep the others from being. */
async function attempt(about: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  const todo = 'NATS does not answer this: is it overloaded, or a stream missing?';
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), PATIENCE_MS);
  });
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    return [fail(about, `could not be looked at: ${(error as Error).message}`, todo)];
  } finally {
    clearTimeout(timer);
  }
}

function processAt(text: string): RunningProcess {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--admin is an address such as http://127.0.0.1:9101, not ${text}`);
  return { name: url.host, ready: new URL('/readyz', url).href };
}
