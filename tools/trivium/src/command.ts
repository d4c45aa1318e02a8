import type { Bus } from '@trivium/bus';

/** What a command is given, and where it writes. */
export interface Invocation {
  /** After the command's name. */
  readonly args: readonly string[];
  /** `--json`: the answer is one JSON document. */
  readonly json: boolean;
  readonly out: (text: string | Uint8Array) => void;
  readonly err: (text: string) => void;
  readonly stdin: () => Promise<Buffer>;
  readonly env: NodeJS.ProcessEnv;
  /** Joined to the hub at the first call, and left when the command is done. */
  readonly bus: () => Promise<Bus>;
}

export interface Command {
  /** The whole help, without `trivium` and the command's name before each line of usage. */
  readonly help: string;
  /** Resolves to the exit code. */
  run(invocation: Invocation): Promise<number>;
}

export const EXIT = {
  ok: 0,
  /** What was asked for could not be done, or the answer is no. */
  no: 1,
  /** Wrong arguments or settings. */
  usage: 78,
} as const;

/** Wrong arguments: reported with the command's help, exit 78. */
export class UsageError extends Error {}

/** It could not be done: reported in one line, exit 1. */
export class CommandError extends Error {}
