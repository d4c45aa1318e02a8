import type { Command } from '../command.ts';
import { runSubcommand, type Subcommands } from '../subcommands.ts';
import { add } from './add.ts';
import { check } from './check.ts';
import { list } from './list.ts';
import { remove } from './remove.ts';
import { show } from './show.ts';
import { test } from './test-policies.ts';

const HELP = `Usage: trivium policies <subcommand> [--json]

  add <file>…                stores them; doors heed them within two seconds, also for who is connected
  check <file>…              whether policies in files can be used; needs no hub
  list                       those that hold, built-in ones included
  show <name>…               as YAML
  remove <name>…
  test --principal <name> --action <action> [--topic <topic or filter>] [--client <id>]
                             which statement decides; 1 when the answer is no
                             [--groups a,b] [--claim name=value]… [--file <file>]…: as if they were stored
                             [--auth-required]: as if doors asked everybody for credentials. Where a living door does
                             not, client ids are free as far as built-in policies go; so they are judged here

A file is YAML or JSON: a policy, a list of them, or several YAML documents.

  name: pumps
  groups: [pumps]                    # of the devices it is for
  statements:                        # deny wins; what nothing allows is refused
    - { effect: allow, actions: [connect], clients: ['\${principal}'] }
    - { effect: allow, actions: [publish], topics: ['plant/\${device.site}/\${clientId}/#'] }
    - { effect: allow, actions: [subscribe, receive], topics: ['plant/\${device.site}/#'] }

Actions: connect, publish, subscribe, receive, retain, command, shadow, admin.
`;

const SUBCOMMANDS: Subcommands = { add, check, list, show, remove, test };

export const policies: Command = {
  help: HELP,
  run: async (invocation) => runSubcommand('policies', SUBCOMMANDS, invocation),
};
