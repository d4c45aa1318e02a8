import type { Command } from '../command.ts';
import { runSubcommand, type Subcommands } from '../subcommands.ts';
import { create } from './create.ts';
import { deleteDevices } from './delete.ts';
import { disable, enable } from './disable.ts';
import { groups } from './groups.ts';
import { list } from './list.ts';
import { pin } from './pin.ts';
import { rotate } from './rotate.ts';
import { show } from './show.ts';

const HELP = `Usage: trivium devices <subcommand> [--json]

  create <name>              credentials and an entry in the registry; the password is shown once
                             [--groups a,b] [--attribute site=berlin]… [--description <text>]
                             [--password-stdin]: not one that is made up; [--no-password]: for certificates
  create --file <file>       many, from CSV, JSON or YAML; prints names and passwords as CSV
  list [--group <group>]     who there is
  show <name>                its groups, how it can prove who it is, whether and where it is connected
  groups <name> <a,b>        its groups from now on; '' for none, which is the group devices
  rotate <name>              another password, shown once; [--password-stdin]
  pin <name> <cert.pem>…     no other client certificate will do for it from now on; [--none]: any of the site
  disable <name>…            does not get in, and is thrown out, within two seconds; enable <name>… undoes it
  delete <name>…             credentials and registry entry; [--keep-registry]

A device is whoever signs in by a name: a user too. What it may do is said by policies for its groups; without a group it
is of the group devices.
A file has the columns, or members, name, groups (in CSV separated by ;), description, password; in CSV every other column
is an attribute, in JSON and YAML they are in attributes.
`;

const SUBCOMMANDS: Subcommands = {
  ...{ create, list, show, groups, rotate, pin, disable, enable },
  delete: deleteDevices,
};

export const devices: Command = {
  help: HELP,
  run: async (invocation) => runSubcommand('devices', SUBCOMMANDS, invocation),
};
