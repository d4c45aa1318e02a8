import type { FetchedMessage } from '@trivium/bus';
import { addHeaders } from '@trivium/bus';
import {
  COMMAND_HEADERS,
  decodeHeaderValue,
  decodeProperties,
  encodeHeaders,
  encodeHeaderValue,
  type CommandVerb,
  type Properties,
} from '@trivium/contracts';

/** What a device is to do, and what it answers. */
export interface CommandBody {
  readonly payload: Uint8Array;
  readonly properties?: Properties | undefined;
}

/** A command on its way to a device. `properties.expiresAt`: nobody waits for the reply after that. */
export interface Command extends CommandBody {
  /** Names it in the whole hub: one level of a topic. */
  readonly id: string;
  readonly name: string;
}

/** The header block of a message about a command. */
export function commandHeaders(
  verb: CommandVerb,
  { id, name, properties }: { id: string; name?: string; properties?: Properties | undefined },
): Uint8Array {
  return addHeaders(encodeHeaders({ properties }), [
    [COMMAND_HEADERS.do, verb],
    [COMMAND_HEADERS.id, encodeHeaderValue(id)],
    ...(name === undefined ? [] : ([[COMMAND_HEADERS.name, encodeHeaderValue(name)]] as const)),
  ]);
}

export function commandId(message: Pick<FetchedMessage, 'headers'>): string {
  return decodeHeaderValue(message.headers?.get(COMMAND_HEADERS.id) ?? '') ?? '';
}

export function decodeBody(message: Pick<FetchedMessage, 'headers' | 'data'>): CommandBody {
  const { headers } = message;
  const properties =
    headers &&
    decodeProperties(
      (name) => headers.get(name) || undefined,
      (name) => headers.values(name),
    );
  // The view is only good for this turn.
  return { payload: new Uint8Array(message.data), properties };
}

export function decodeCommand(message: Pick<FetchedMessage, 'headers' | 'data'>): Command {
  const name = decodeHeaderValue(message.headers?.get(COMMAND_HEADERS.name) ?? '') ?? '';
  return { id: commandId(message), name, ...decodeBody(message) };
}
