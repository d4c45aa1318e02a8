import type { Bus } from '@trivium/bus';
import { decodeJson, decodeToken, Presence, presenceKey, SessionRecord } from '@trivium/contracts';
import { storedCredential, userName } from '@trivium/identity';
import { CommandError, EXIT, UsageError, type Invocation } from '../command.ts';
import { timeText } from '../time-text.ts';
import { wordsOf } from '../words.ts';
import { viewOf } from './directory.ts';
import { registered } from './registry.ts';

export async function show({ args, json, out, bus }: Invocation): Promise<number> {
  const { words } = wordsOf(args, { least: 1 });
  const parsed = userName(words[0]!);
  if (!parsed.ok) throw new UsageError(parsed.error.message);
  const name = parsed.value;
  const hub = await bus();
  const devices = hub.bucket('devices');
  const [credential, record, entry, sessions] = await Promise.all([
    storedCredential(hub, name),
    registered(devices, name),
    devices.get(presenceKey(name)),
    sessionsOf(hub, name),
  ]);
  const read = entry && decodeJson(Presence, entry.value);
  const presence = read?.ok === true ? read.value : undefined;
  if (credential === undefined && record === undefined && presence === undefined)
    throw new CommandError(`nobody is called ${name}`);
  const view = {
    ...viewOf(name, { credential, record, presence }),
    ...(record?.description === undefined ? {} : { description: record.description }),
    ...(record?.tags === undefined ? {} : { tags: record.tags }),
    ...(record?.attributes === undefined ? {} : { attributes: record.attributes }),
    ...(credential?.certificates === undefined ? {} : { certificates: credential.certificates }),
    ...(credential === undefined ? {} : { createdAt: credential.createdAt, changedAt: credential.updatedAt }),
    sessions,
  };
  if (json) out(`${JSON.stringify(view, null, 2)}\n`);
  else out(asText(view));
  return EXIT.ok;
}

interface SessionView {
  readonly client: string;
  readonly connected: boolean;
  readonly connectedAt: number;
  readonly clean: boolean;
  readonly subscriptions: readonly string[];
  readonly pos: number;
}

/** Sessions belong to their principal, under whatever client id. */
async function sessionsOf(bus: Bus, name: string): Promise<SessionView[]> {
  const entries = await bus.bucket('sessions').entries();
  return entries.flatMap(({ key, value }) => {
    const session = decodeJson(SessionRecord, value);
    if (!session.ok || session.value.principal !== name) return [];
    const { door, connectedAt, clean, subscriptions, pos } = session.value;
    const client = decodeToken(key) ?? key;
    const filters = subscriptions.map(({ filter, qos }) => `${filter} (QoS ${qos})`);
    return [{ client, connected: door !== undefined, connectedAt, clean, subscriptions: filters, pos }];
  });
}

function asText(
  view: ReturnType<typeof viewOf> & {
    readonly sessions: readonly SessionView[];
    readonly description?: string;
    readonly tags?: readonly string[];
    readonly attributes?: object;
    readonly createdAt?: number;
    readonly changedAt?: number;
  },
): string {
  const { groups, proofs, disabled, online, lastSeenAt, sessions } = view;
  const attributes = Object.entries(view.attributes ?? {}).map(([name, value]) => `${name}=${value}`);
  const rows: [string, string][] = [
    ['groups', groups.join(', ') || 'devices, as of all without one'],
    ['proofs', proofs.length === 0 ? 'none: it has no credentials' : proofs.join(', ')],
    [
      'state',
      `${disabled ? 'disabled, ' : ''}${online ? 'online since' : 'offline since'} ${timeText(lastSeenAt) || 'ever'}`,
    ],
    ['description', view.description ?? ''],
    ['tags', view.tags?.join(', ') ?? ''],
    ['attributes', attributes.join(', ')],
    ['created', timeText(view.createdAt)],
    ['changed', timeText(view.changedAt)],
    ...sessions.map(({ client, connected, connectedAt, clean, subscriptions, pos }): [string, string] => [
      'session',
      `${client}: ${connected ? 'connected' : 'away'}, last since ${timeText(connectedAt)}, ` +
        `${clean ? 'ends with its connection' : `kept, at ${pos}`}; ${subscriptions.join(', ') || 'no subscriptions'}`,
    ]),
  ];
  const lines = rows
    .filter(([, text]) => text !== '')
    .map(([title, text]) => `  ${title.padEnd(12)}${text}\n`);
  return `${view.name}\n${lines.join('')}`;
}
