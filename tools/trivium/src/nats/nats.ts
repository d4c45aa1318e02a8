import type { Command } from '../command.ts';
import { runSubcommand, type Subcommands } from '../subcommands.ts';
import { keys } from './keys.ts';
import { permissions } from './permissions.ts';

const HELP = `Usage: trivium nats <subcommand> [--json]

Who may do what at NATS. npm start and compose do all of this by themselves; a site that runs a NATS of its own does it here. Needs no hub.

  keys <folder>      makes a key for each service (<folder>/<service>.nk, for TRIVIUM_NATS_NKEY_FILE) unless it is there, and writes
                     what NATS includes
                     [--auth <file>]: where, instead of <folder>/auth.conf
                     [--apart]: each key in a folder of its own, <folder>/<service>/<service>.nk, to be mounted alone
  permissions        the subjects that each service publishes and subscribes to, for users made elsewhere, such as by nsc
                     [--user <service>]: of one
`;

const SUBCOMMANDS: Subcommands = { keys, permissions };

export const nats: Command = {
  help: HELP,
  run: async (invocation) => runSubcommand('nats', SUBCOMMANDS, invocation),
};
