import type { Command } from '../command.ts';
import { runSubcommand, type Subcommands } from '../subcommands.ts';
import { add } from './add.ts';
import { asyncapi } from './asyncapi.ts';
import { check } from './check.ts';
import { list } from './list.ts';
import { remove } from './remove.ts';
import { test } from './test-sample.ts';
import { types } from './types.ts';

const HELP = `Usage: trivium contracts <subcommand> [--json]

  list                       the contracts of the hub, the most specific first
  check <file>…              whether contracts in files can be used, and where they overlap; needs no hub
  add <file>…                stores them; doors hold messages to them at once
  remove <name>…             removes them
  test <topic> <file|->      whether a payload would keep the contract of its topic
                             [--content-type <type>] [--contracts <file>]: those of a file, without a hub
  types [<file>…]            TypeScript types of the payloads, of files or of the hub
  asyncapi [<file>…]         an AsyncAPI 3 document of the hub, with the contracts of files or of the hub, and TLS and
                             security by the settings here (TRIVIUM_TLS_CERT, TRIVIUM_AUTH_REQUIRED, trivium.yaml)

A file is YAML or JSON: a contract, a list of them, or several YAML documents.

  name: temperature                  # letters, digits, . _ -
  filter: plant/+/temperature        # the topics, as an MQTT filter
  onViolation: reject                # or tag, or dead-letter
  contentType: application/json      # optional, as all that follows
  schema: { type: object, required: [value], properties: { value: { type: number } } }
  owner: plant team
  description: What each line measures
`;

const SUBCOMMANDS: Subcommands = { list, check, add, remove, test, types, asyncapi };

export const contracts: Command = {
  help: HELP,
  run: async (invocation) => runSubcommand('contracts', SUBCOMMANDS, invocation),
};
