import { parseArgs } from 'node:util';
import { wholeNumber } from '../whole-number.ts';

export interface ReconnectOptions {
  sessions: number;
  reconnecting: number;
  /** Missed by each of those. */
  messages: number;
  /** Messages for nobody that the log gets before those, in each round. */
  pad: number;
  publishers: number;
  payloadBytes: number;
  /** CONNECTs on their way at once. */
  atOnce: number;
  out: string | undefined;
  json: boolean;
}

export type ParsedReconnectOptions =
  { kind: 'run'; options: ReconnectOptions } | { kind: 'help' } | { kind: 'invalid'; message: string };

const SMALLEST_PAYLOAD = 16;

export function parseReconnectOptions(args: readonly string[]): ParsedReconnectOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        sessions: { type: 'string', default: '10000' },
        reconnecting: { type: 'string', default: '2000' },
        messages: { type: 'string', default: '100' },
        pad: { type: 'string', default: '0' },
        publishers: { type: 'string', default: '20' },
        payload: { type: 'string', default: '64' },
        'at-once': { type: 'string' },
        out: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    const sessions = wholeNumber('--sessions', values.sessions, 1);
    const reconnecting = wholeNumber('--reconnecting', values.reconnecting, 1);
    if (reconnecting > sessions) throw new Error('--reconnecting cannot be more than --sessions');
    return {
      kind: 'run',
      options: {
        sessions,
        reconnecting,
        messages: wholeNumber('--messages', values.messages, 1),
        pad: wholeNumber('--pad', values.pad, 0),
        publishers: wholeNumber('--publishers', values.publishers, 1),
        payloadBytes: wholeNumber('--payload', values.payload, SMALLEST_PAYLOAD),
        atOnce: wholeNumber('--at-once', values['at-once'] ?? String(reconnecting), 1),
        out: values.out,
        json: values.json,
      },
    };
  } catch (error) {
    return { kind: 'invalid', message: error instanceof Error ? error.message : String(error) };
  }
}

export const RECONNECT_HELP = `npm run bench -- reconnect [options]      sessions that come back all at once

  --sessions N        persistent sessions that are away (10000)
  --reconnecting N    of them, those that miss messages and come back (2000)
  --messages N        that each of those misses (100)
  --pad N             messages for nobody in the log before those (0)
  --publishers N      connections that publish them (20)
  --payload BYTES     (64)
  --at-once N         CONNECTs on their way at once (all)
  --out FILE          where the JSON goes (default: .trivium/bench/reconnect-<time>.json)
  --json              JSON to standard output; progress goes to standard error
  --help

Exit status: 0 every message came once and in order; 1 it did not; 2 wrong usage. A time above its limit is
reported and no failure.
`;
