import { parseArgs } from 'node:util';
import { wholeNumber } from '../whole-number.ts';

export interface CommandsOptions {
  devices: number;
  /** HTTP connections with one command each on its way. */
  callers: number;
  seconds: number;
  payloadBytes: number;
  /** Commands a second that have to be reached; 0: any. */
  goal: number;
  json: boolean;
}

export type ParsedCommandsOptions =
  { kind: 'run'; options: CommandsOptions } | { kind: 'help' } | { kind: 'invalid'; message: string };

export function parseCommandsOptions(args: readonly string[]): ParsedCommandsOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        devices: { type: 'string', default: '200' },
        callers: { type: 'string', default: '64' },
        seconds: { type: 'string', default: '5' },
        payload: { type: 'string', default: '64' },
        goal: { type: 'string', default: '2000' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    return {
      kind: 'run',
      options: {
        devices: wholeNumber('--devices', values.devices, 1),
        callers: wholeNumber('--callers', values.callers, 1),
        seconds: wholeNumber('--seconds', values.seconds, 1),
        payloadBytes: wholeNumber('--payload', values.payload, 1),
        goal: wholeNumber('--goal', values.goal, 0),
        json: values.json,
      },
    };
  } catch (error) {
    return { kind: 'invalid', message: error instanceof Error ? error.message : String(error) };
  }
}

export const COMMANDS_HELP = `npm run bench -- commands [options]      HTTP calls that devices answer by MQTT

  --devices N         MQTT 3.1.1 clients (200)
  --callers N         HTTP connections with one command each on its way (64)
  --seconds N         (5)
  --payload BYTES     of command and reply (64)
  --goal N            commands a second that have to be reached (2000)
  --json              JSON to standard output; progress goes to standard error
  --help

Exit status: 0 every command was answered by its device, and the goal was reached; 1 not; 2 wrong usage.
`;
