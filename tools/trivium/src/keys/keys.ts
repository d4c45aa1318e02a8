import type { Command } from '../command.ts';
import { runSubcommand, type Subcommands } from '../subcommands.ts';
import { create } from './create.ts';
import { list } from './list.ts';
import { revoke } from './revoke.ts';

const HELP = `Usage: trivium keys <subcommand> [--json]

  create <name>              a key for an application, shown once; <name> is who it is then
                             [--groups administrators] [--expires 90d]
  list                       who has keys, of which groups, used when
  revoke <id>…               no longer lets in, and throws out, within two seconds

An application shows its key as a bearer token (HTTP, WebSocket), or as the password of its name (MQTT).
`;

const SUBCOMMANDS: Subcommands = { create, list, revoke };

export const keys: Command = {
  help: HELP,
  run: async (invocation) => runSubcommand('keys', SUBCOMMANDS, invocation),
};
