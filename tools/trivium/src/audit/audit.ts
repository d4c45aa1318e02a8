import { AuditKind, AuditRecord, auditSubjects, decodeJson } from '@trivium/contracts';
import { EXIT, UsageError, type Command, type Invocation } from '../command.ts';
import { durationMs } from '../duration.ts';
import { wholeNumber } from '../whole-number.ts';
import { timeText } from '../time-text.ts';
import { wordsOf } from '../words.ts';

const KINDS: readonly string[] = AuditKind.enum;

const HELP = `Usage: trivium audit [--json]

Prints who did what, a line each, oldest first. It is kept for 90 days.

  --since <duration>         what is no older than that, such as 1h or 30d; 24h unless given
  --kind <kind>              ${KINDS.slice(0, 4).join(', ')},
                             ${KINDS.slice(4).join(', ')}
  --principal <name>         of one alone: who did it, or tried to
  --follow                   goes on with what happens, until it is stopped
  --count <n>                ends after so many
  --timeout <duration>       ends after so long: 1 when fewer than --count came
  --json                     each entry as one line of JSON
`;

export const audit: Command = { help: HELP, run: print };

async function print({ args, json, out, bus }: Invocation): Promise<number> {
  const { options } = wordsOf(args, {
    options: ['since', 'kind', 'principal', 'count', 'timeout'] as const,
    ...{ least: 0, flags: ['follow'] as const },
  });
  const { kind, principal } = options;
  if (kind !== undefined && !isKind(kind)) throw new UsageError(`--kind is one of ${KINDS.join(', ')}`);
  const since = Date.now() - durationMs('since', options.since ?? '24h');
  const count = options.count === undefined ? undefined : wholeNumber('count', options.count);
  const timeoutMs = options.timeout === undefined ? undefined : durationMs('timeout', options.timeout);

  const hub = await bus();
  const first = await hub.firstPosAfter(since, 'AUDIT');
  const over = Promise.withResolvers<void>();
  const timer = timeoutMs === undefined ? undefined : setTimeout(over.resolve, timeoutMs);
  let came = 0;
  const follower = hub.follow({
    ...{ stream: 'AUDIT', after: first - 1, filter: auditSubjects({ kind, principal }) },
    onMessage(_pos, { data }) {
      const record = decodeJson(AuditRecord, data);
      if (!record.ok || came === count) return;
      out(json ? `${JSON.stringify(record.value)}\n` : lineOf(record.value));
      if (++came === count) over.resolve();
    },
  });
  try {
    await (options.follow === true ? over.promise : Promise.race([follower.caughtUp(), over.promise]));
  } finally {
    clearTimeout(timer);
    follower.close();
  }
  return count === undefined || came === count ? EXIT.ok : EXIT.no;
}

/** Such as `2026-05-04T10:20:30Z  sign-in-failed  lamp  at mqtt-ingress from 192.0.2.7: wrong password (3 times)`. */
function lineOf({ at, kind, principal, detail, times, ...where }: AuditRecord): string {
  const who = principal === '' ? '(nobody)' : principal;
  const what = [
    placeOf(where),
    detail === undefined ? '' : `: ${detail}`,
    times === undefined ? '' : ` (${times} times)`,
  ].join('');
  return `${timeText(at)}  ${kind.padEnd(KIND_WIDTH)}  ${who.padEnd(NAME_WIDTH)}  ${what}\n`;
}

function placeOf({ object, client, service, address }: Partial<AuditRecord>): string {
  const words = [
    object,
    client === undefined ? undefined : `as ${client}`,
    `at ${service}`,
    address === undefined ? undefined : `from ${address}`,
  ];
  return words.filter((word) => word !== undefined).join(' ');
}

const KIND_WIDTH = Math.max(...KINDS.map(({ length }) => length));
const NAME_WIDTH = 20;

const isKind = (word: string): word is AuditKind => KINDS.includes(word);
