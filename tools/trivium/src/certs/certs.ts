import type { Command } from '../command.ts';
import { runSubcommand, type Subcommands } from '../subcommands.ts';
import { ca } from './ca.ts';
import { device } from './device.ts';
import { revoke } from './revoke.ts';
import { server } from './server.ts';
import { show } from './show.ts';

const HELP = `Usage: trivium certs <subcommand> [--json]

  ca                         a certificate authority of your own, and its empty revocation list
                             [--name <text>] [--days 3650]
  server --name <host>…      a certificate for the doors, for host names and addresses [--days 825]
  device <name>              a certificate that proves that a client is <name> [--days 825]
  revoke <cert.pem>…         puts certificates on the revocation list
  show <file>…               what is in certificates and revocation lists

  --out <folder>             where they are; certs unless given
  --force                    what is there already may be overwritten

For development and small sites: the key of the authority lies in that folder (mode 0600). It needs no hub.
`;

const SUBCOMMANDS: Subcommands = { ca, server, device, revoke, show };

export const certs: Command = {
  help: HELP,
  run: async (invocation) => runSubcommand('certs', SUBCOMMANDS, invocation),
};
