import { parseFilter } from '@trivium/contracts';
import { EXIT, UsageError, type Command, type Invocation } from '../command.ts';
import { DOOR_HELP, DOOR_OPTIONS, doorOf } from '../door/door.ts';
import { durationMs } from '../duration.ts';
import { wholeNumber } from '../whole-number.ts';
import { wordsOf } from '../words.ts';
import { followStream } from './follow-stream.ts';
import { messageLine } from './message-line.ts';

const HELP = `Usage: trivium sub <filter>… [--json]

Prints the payload of each message, a line each, until it is stopped. When the connection is lost it comes back by itself
and goes on where it was: nothing stored is missed, nothing comes twice.

  --verbose                  the topic before each payload, and on standard error what happens to the connection
  --json                     each message as one line of JSON
  --qos 0|1                  1 unless given: stored messages; 0: live ones only
  --retained                 begins with what the topics retain
  --from <pos>               begins behind this position of the log
  --count <n>                ends after so many messages
  --timeout <duration>       ends after so long: 1 unless all of --count came, or, without it, none
${DOOR_HELP}`;

const OPTIONS = [...DOOR_OPTIONS, ...(['qos', 'from', 'count', 'timeout'] as const)] as const;

export const sub: Command = { help: HELP, run: subscribe };

async function subscribe({ args, json, out, err, env }: Invocation): Promise<number> {
  const { words: filters, options } = wordsOf(args, {
    ...{ least: 1, most: Infinity, options: OPTIONS, flags: ['verbose', 'retained'] as const },
    letters: { v: 'verbose' },
  });
  const count = options.count === undefined ? Infinity : wholeNumber('count', options.count);
  const verbose = options.verbose === true;
  const over = new AbortController();
  const timeoutMs = options.timeout === undefined ? undefined : durationMs('timeout', options.timeout);
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => over.abort(), timeoutMs);
  let came = 0;
  try {
    await followStream({
      door: doorOf(options, env),
      query: queryOf(filters, options),
      signal: over.signal,
      note: verbose ? (text) => err(`trivium: ${text}\n`) : () => undefined,
      warn: (text) => err(`trivium: ${text}\n`),
      onMessage(data) {
        if (came === count) return;
        out(messageLine(data, json ? 'json' : verbose ? 'verbose' : 'payload'));
        if (++came === count) over.abort();
      },
    });
  } finally {
    clearTimeout(timer);
  }
  const enough = count === Infinity ? came > 0 : came === count;
  return enough ? EXIT.ok : EXIT.no;
}

function queryOf(
  filters: readonly string[],
  { qos = '1', from, retained }: { readonly qos?: string; readonly from?: string; readonly retained?: true },
): URLSearchParams {
  if (qos !== '0' && qos !== '1') throw new UsageError('--qos is 0 or 1');
  const query = new URLSearchParams({ qos });
  for (const raw of filters) {
    const filter = parseFilter(raw);
    if (!filter.ok) throw new UsageError(`${raw}: ${filter.error.message}`);
    query.append('filter', filter.value);
  }
  if (from !== undefined) query.set('from', String(wholeNumber('from', from)));
  if (retained === true) query.set('retained', 'true');
  return query;
}
