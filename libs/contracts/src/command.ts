import { encodeToken } from './token.ts';
import { accept, refuse } from './result.ts';
import type { HeaderGet } from './headers.ts';
import type { Result } from './result.ts';

/** Topics that begin so are for commands: nothing is published to them. */
const PREFIX = 'cmd/';
const REPLY = '/reply';
const MAX_NAME_BYTES = 256;

/** Whether a topic is reserved for commands (`cmd/#`). */
export function isCommandTopic(topic: string): boolean {
  return topic.startsWith(PREFIX) || topic === 'cmd';
}

/** The name of a command: one level of a topic. */
export function parseCommandName(raw: string): Result<string> {
  if (raw === '') return refuse('topic.invalid', 'the name of a command has at least one character');
  if (/[/+#\0]/.test(raw) || !raw.isWellFormed())
    return refuse('topic.invalid', 'the name of a command is one level of a topic, without wildcards');
  if (raw.length > MAX_NAME_BYTES) return refuse('topic.too-long', `the name of a command is too long`);
  return accept(raw);
}

/** On MQTT 5 a command comes on this topic; before, with its id as one more level: `commandTopic(device, `${name}/${id}`)`. */
export function commandTopic(device: string, name: string): string {
  return `${PREFIX}${device}/${name}`;
}

/** Where the device publishes its reply. */
export function replyTopic(device: string, name: string, id: string): string {
  return `${PREFIX}${device}/${name}/${id}${REPLY}`;
}

/** The id of the command that `device` answers on this topic; undefined: it is no such topic of this device. */
export function repliedCommand(topic: string, device: string): string | undefined {
  const begin = PREFIX.length + device.length + 1;
  if (!topic.startsWith(PREFIX) || !topic.endsWith(REPLY) || topic[begin - 1] !== '/') return undefined;
  if (topic.slice(PREFIX.length, begin - 1) !== device) return undefined;
  const parts = topic.slice(begin, -REPLY.length).split('/');
  return parts.length === 2 && parts[0] !== '' && parts[1] !== '' ? parts[1] : undefined;
}

/** `tv1.k.<client>`: to a client that is connected without a session, by `trivium.v1` or HTTP; whoever holds it subscribes. */
export function callSubject(client: string): string {
  return `tv1.k.${encodeToken(client)}`;
}

/** `tv1.h.<client>`: said when a client without a session is there from now on, for those who keep commands for it. */
export function hereSubject(client: string): string {
  return `tv1.h.${encodeToken(client)}`;
}

/** What hears of all of them; `subjectClient` tells whom. */
export const HERE_SUBJECTS = 'tv1.h.*';

/** `tv1.q.<client>`: commands that wait for a client (`COMMANDS`). */
export function queuedCommandSubject(client: string): string {
  return `tv1.q.${encodeToken(client)}`;
}

/** Headers of commands on `clientSubject` and `callSubject`, beside those of their properties. */
export const COMMAND_HEADERS = { do: 'Tv-Do', id: 'Tv-Id', name: 'Tv-Nm' } as const;

/** `command` is answered with the reply; `reply` brings one that came elsewhere to who asked; `cancel` and `moved` are not answered. */
export type CommandVerb = 'command' | 'cancel' | 'reply' | 'moved';

const VERBS: ReadonlySet<string> = new Set<CommandVerb>(['command', 'cancel', 'reply', 'moved']);

/** What a message on one of these subjects is; undefined: it is no command. */
export function decodeCommandVerb(get: HeaderGet): CommandVerb | undefined {
  const verb = get(COMMAND_HEADERS.do);
  return verb !== undefined && VERBS.has(verb) ? (verb as CommandVerb) : undefined;
}
