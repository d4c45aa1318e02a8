import { parseTopic } from '@trivium/contracts';
import { explain as explainDelivery } from '@trivium/explain';
import { claimsOf } from '../claims-of.ts';
import { EXIT, UsageError, type Command } from '../command.ts';
import { groupsOf } from '../groups-of.ts';
import { wordsOf } from '../words.ts';
import { asText } from './as-text.ts';

const HELP = `Usage: trivium explain --client <id> --topic <topic> [--groups a,b] [--claim name=value]... [--json]

Why a message on the topic does or does not reach the client: who it is, which statement of which policy decided, which of its subscriptions
match, where it is connected or how far its session is behind, what is retained, and which contract applies.

  --client      the client id: that of MQTT, ?clientId= of a WebSocket, x-client-id of HTTP
  --topic       of the message, without wildcards
  --groups      of the token that the client comes with: they are stored nowhere. A stored credential counts before them
  --claim       of that token, for policies that ask for it; any number of times

Exit code 1: it is not delivered, or that cannot be said.
`;

export const explain: Command = {
  help: HELP,
  async run({ args, json, out, bus }) {
    const { options } = wordsOf(args, {
      ...{ least: 0, options: ['client', 'topic', 'groups'] as const },
      lists: ['claim'] as const,
    });
    const { client } = options;
    if (client === undefined || client === '') throw new UsageError('--client is missing');
    if (options.topic === undefined) throw new UsageError('--topic is missing');
    const topic = parseTopic(options.topic);
    if (!topic.ok) throw new UsageError(topic.error.message);
    const token = {
      ...(options.groups === undefined ? {} : { groups: groupsOf(options.groups) }),
      claims: claimsOf(options.claim ?? []),
    };
    const told = await explainDelivery({ bus: await bus() }, { client, topic: topic.value, token });
    out(json ? `${JSON.stringify(told, null, 2)}\n` : asText(told));
    return told.delivered === 'yes' || told.delivered === 'when-back' ? EXIT.ok : EXIT.no;
  },
};
