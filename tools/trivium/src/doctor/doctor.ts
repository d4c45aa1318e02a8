import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import type { Bus } from '@trivium/bus';
import { EXIT, UsageError, type Command, type Invocation } from '../command.ts';
import { clientTlsOf, TLS_HELP, TLS_OPTIONS } from '../door/tls-options.ts';
import { hostOf } from '../host-of.ts';
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
import { checkTlsDoors, type Client, type TlsDoor } from './checks/tls-doors.ts';
import { fail, skip, type Finding } from './finding.ts';
import { natsPlace } from './nats-place.ts';
import { report } from './report.ts';

const HELP = `Usage: trivium doctor [--json]

Looks at a hub as whoever runs it would: settings, NATS and its streams, disk, doors, leases, certificates, policies,
credentials, contracts, dead letters, shares and sessions. It changes nothing. Each finding is ok, warn or fail, and says
what to do. 1 when something fails. At doors over TLS it is a client that does not sign in: it tells whether others would
take their certificates.

  --admin <url>              the admin address of a process that npm start here does not run; any number of them
  --door <url>               the same of a door over TLS: mqtts://hub.local:8883, wss://…, https://…
  --name <host>              as who connects by this name; any number of them
${TLS_HELP}  --quiet                    only what is not ok
`;

export const doctor: Command = { help: HELP, run: examine };

async function examine({ args, json, out, env, bus }: Invocation): Promise<number> {
  const { options } = wordsOf(args, {
    ...{ least: 0, options: TLS_OPTIONS, flags: ['quiet'] as const },
    lists: ['admin', 'door', 'name'] as const,
  });
  const named = (options.admin ?? []).map(processAt);
  const names = (options.name ?? []).map(nameOf);
  const doors = (options.door ?? []).map(doorAt);
  const client = { tls: clientTlsOf(options), caFile: options.cafile, certFile: options.cert };
  const { settings, findings } = checkSettings(env);
  if (settings === undefined)
    findings.push(skip('hub', 'nothing else was looked at: the settings are needed for it'));
  else findings.push(...(await lookAt(settings, { named, doors, names, client }, { env, bus })));
  const ok = findings.every(({ level }) => level !== 'fail');
  if (json) out(`${JSON.stringify({ ok, findings }, null, 2)}\n`);
  else out(report(findings, options.quiet === true));
  return ok ? EXIT.ok : EXIT.no;
}

/** What is looked at beside the hub that runs here, and as who. */
interface Asked {
  readonly named: readonly RunningProcess[];
  readonly doors: readonly TlsDoor[];
  readonly names: readonly string[];
  readonly client: Omit<Client, 'mustShow'>;
}

async function lookAt(
  settings: HubSettings,
  { named, doors: elsewhere, names, client }: Asked,
  around: Pick<Invocation, 'env' | 'bus'>,
): Promise<Finding[]> {
  const place = hubPlace(settings.dataDir);
  const running = readHubFile(place.dataDir)?.processes;
  const processes = running === undefined && named.length === 0 ? undefined : [...(running ?? []), ...named];
  const tlsDoors = [...(running ?? []).flatMap(tlsDoorOf), ...elsewhere].flatMap((door) =>
    names.length === 0 ? [door] : names.map((name) => ({ ...door, name })),
  );
  const mustShow = settings.tls.clientCertificates === 'required';
  const [doors, secured, hub] = await Promise.all([
    checkDoors(processes, place.dataDir),
    checkTlsDoors(tlsDoors, { ...client, mustShow }, Date.now()),
    lookAtHub(settings, around),
  ]);
  return [...(await checkCertificates(settings, Date.now())), ...doors, ...secured, ...hub];
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
  // What is read from a bucket that nobody has made is waited for.
  let isHub = false;
  const inspected = await attempt('nats', async () => {
    const inspection = await bus.inspect();
    isHub = inspection.streams.every(({ name, there }) => there || !isBucket(name));
    return [
      ...checkNats(inspection, at, hubPlace(settings.dataDir).dataDir),
      ...(isHub ? await attempt('sessions', () => checkSessions(bus, inspection)) : []),
    ];
  });
  if (!isHub) return [...inspected, skip('hub', 'what is kept in buckets was not looked at')];
  const others = await Promise.all([
    attempt('leases', () => checkLeases(bus)),
    attempt('identity', () => checkIdentity(bus, settings, Date.now())),
    attempt('contracts', () => checkContracts(bus)),
    attempt('shares', () => checkShares(bus)),
  ]);
  return [...inspected, ...others.flat()];
}

/** By the name of its stream. */
const isBucket = (stream: string): boolean => stream.startsWith('KV_');

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

const tlsDoorOf = ({ name, tlsAddress }: RunningProcess): TlsDoor[] =>
  tlsAddress === undefined ? [] : [{ about: name, url: new URL(tlsAddress), name: undefined }];

function doorAt(text: string): TlsDoor {
  const url = URL.parse(text);
  if (url === null || url.hostname === '' || !/^(mqtts|wss|https):$/.test(url.protocol))
    throw new UsageError(
      `--door is an address such as mqtts://hub.local:8883, wss://… or https://…, not ${text}`,
    );
  return { about: url.host, url, name: hostOf(url) };
}

/** As certificates have it. */
function nameOf(text: string): string {
  const name = isIP(text) === 0 ? domainToASCII(text) : text;
  if (name === '') throw new UsageError(`--name is a host name or an address, not ${text}`);
  return name;
}
