import type { Explanation } from '@trivium/explain';
import { table } from '../table.ts';
import { timeText } from '../time-text.ts';

/** The verdict, what it was said from, and the tables of actions and subscriptions. */
export function asText(told: Explanation): string {
  const { decisions, subscriptions, warnings, verdict } = told;
  const actions = Object.entries(decisions).map(([action, { allowed, why }]) => [
    ...[action, allowed ? 'yes' : 'no', why],
  ]);
  const filters = subscriptions.map(({ filter, qos, group, ruling, from }) => [
    ...[filter, String(qos), group ?? '', ruling, from === 0 ? '' : String(from)],
  ]);
  return [
    `${verdict}\n`,
    factsOf(told)
      .map(([what, text]) => `${what.padEnd(WIDTH)}${text}\n`)
      .join(''),
    table(['action', 'allowed', 'why'], actions),
    table(['filter', 'qos', 'group', 'ruling', 'from'], filters),
    warnings.map((warning) => `warning: ${warning}\n`).join(''),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

const WIDTH = 'subscriptions  '.length;

function factsOf(told: Explanation): [string, string][] {
  const { client, topic, principal, connection, session, log, retained, contract } = told;
  const known = { session: 'its session', credential: 'its credential', 'client-id': 'a guess' };
  const lines: [string, string | undefined][] = [
    ['client', client],
    ['topic', topic],
    ['principal', `${principal.name} (${known[principal.from]})${principal.disabled ? ', disabled' : ''}`],
    ['groups', principal.groups.join(', ')],
    ['policies', principal.policies.join(', ') || 'none'],
    ['connected', whereOf(connection)],
    ['session', session && sessionText(session)],
    ['subscriptions', session?.subscriptions?.toString()],
    ['log', log.last < log.first ? 'empty' : `${log.first} to ${log.last}`],
    [
      'retained',
      retained && `${retained.bytes} bytes at QoS ${retained.qos} since ${timeText(retained.retainedAt)}`,
    ],
    ['contract', contract && `${contract.name} on ${contract.filter}: ${contract.onViolation}`],
  ];
  return lines.flatMap(([what, text]) => (text === undefined ? [] : [[what, text]]));
}

function whereOf({ connected, service, host, protocol, since }: Explanation['connection']): string {
  if (!connected) return 'no';
  return [
    `at ${service ?? 'a door'}`,
    ...(host === undefined ? [] : [`on ${host}`]),
    ...(protocol === undefined ? [] : [`by ${protocol}`]),
    ...(since === undefined ? [] : [`since ${timeText(since)}`]),
  ].join(' ');
}

function sessionText({
  persistent,
  cursor,
  behind,
  missed,
  unacknowledged,
  endsAt,
}: NonNullable<Explanation['session']>): string {
  if (!persistent) return 'ends with its connection';
  return [
    `cursor ${cursor}, ${behind} behind the log`,
    ...(missed === 0 ? [] : [`${missed} of these are not kept any more`]),
    ...(unacknowledged === 0 ? [] : [`${unacknowledged} sent and not acknowledged`]),
    ...(endsAt === undefined ? [] : [`ends ${timeText(endsAt)}`]),
  ].join(', ');
}
