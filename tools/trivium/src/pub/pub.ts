import { buffer } from 'node:stream/consumers';
import { parseTopic } from '@trivium/contracts';
import { EXIT, UsageError, type Command, type Invocation } from '../command.ts';
import { askDoor } from '../door/ask-door.ts';
import { DOOR_HELP, DOOR_OPTIONS, doorOf } from '../door/door.ts';
import { durationMs } from '../duration.ts';
import { readFile } from '../read-file.ts';
import { wordsOf } from '../words.ts';

const HELP = `Usage: trivium pub <topic> (-m <text> | -f <file> | -) [--json]

  -m, --message <text>       the payload; - reads it from standard input, -f from a file
  --qos 0|1                  1 unless given: done when it is stored
  --retain                   the topic keeps it for later subscribers; an empty payload clears it
  --content-type <type>
  --property <name=value>    a user property; any number of them
  --expiry <duration>        until when it is delivered: 10m
  --response-topic <topic>
${DOOR_HELP}`;

const OPTIONS = [
  ...DOOR_OPTIONS,
  ...(['message', 'file', 'qos', 'content-type', 'expiry', 'response-topic'] as const),
] as const;

export const pub: Command = { help: HELP, run: publish };

async function publish(invocation: Invocation): Promise<number> {
  const { args, json, out, env } = invocation;
  const { words, options } = wordsOf(args, {
    ...{ least: 1, most: 2, options: OPTIONS, flags: ['retain'] as const, lists: ['property'] as const },
    letters: { m: 'message', f: 'file' },
  });
  const topic = parseTopic(words[0]!);
  if (!topic.ok) throw new UsageError(topic.error.message);
  const qos = options.qos ?? '1';
  if (qos !== '0' && qos !== '1') throw new UsageError('--qos is 0 or 1; QoS 2 is for MQTT clients');
  const query = new URLSearchParams({ qos });
  if (options.retain) query.set('retain', 'true');
  if (options['content-type'] !== undefined) query.set('contentType', options['content-type']);
  if (options['response-topic'] !== undefined) query.set('responseTopic', options['response-topic']);
  if (options.expiry !== undefined)
    query.set('messageExpiry', String(Math.ceil(durationMs('expiry', options.expiry) / 1000)));
  const response = await askDoor(doorOf(options, env), {
    method: 'POST',
    path: `/topics/${encodeURIComponent(topic.value)}`,
    query,
    headers: userProperties(options.property ?? []),
    body: await payloadOf(words[1], options, invocation),
  });
  const answer = (await buffer(response)).toString();
  if (json) out(`${answer.trimEnd()}\n`);
  else out(`${topic.value}: ${qos === '1' ? 'stored' : 'sent'}\n`);
  return EXIT.ok;
}

async function payloadOf(
  word: string | undefined,
  { message, file }: { readonly message?: string; readonly file?: string },
  { stdin }: Invocation,
): Promise<Buffer> {
  if (word !== undefined && word !== '-') throw new UsageError(`${word} is one word too many`);
  if ([word, message, file].filter((given) => given !== undefined).length !== 1)
    throw new UsageError('the payload is missing, or there are several: -m <text>, -f <file> or -');
  if (message !== undefined) return Buffer.from(message);
  return file === undefined ? stdin() : readFile(file);
}

/** As the AWS IoT data plane takes them. */
function userProperties(properties: readonly string[]): Record<string, string> {
  if (properties.length === 0) return {};
  const pairs = properties.map((property) => {
    const at = property.indexOf('=');
    if (at < 1) throw new UsageError(`--property is name=value, not ${property}`);
    return { [property.slice(0, at)]: property.slice(at + 1) };
  });
  return { 'x-amz-mqtt5-user-properties': Buffer.from(JSON.stringify(pairs)).toString('base64') };
}
