import type { Command, CommandBody } from '@trivium/commands';
import { payloadMember, propertiesToJson } from '@trivium/contracts';
import type { FrameId } from './codec.ts';

/** The text of a `cmd` frame: a command that has come for the client. */
export function cmdFrame(command: Command): string {
  const { id, name } = command;
  return `{"op":"cmd","id":${JSON.stringify(id)},"name":${JSON.stringify(name)},${bodyMembers(command)}}`;
}

/** The text of a `reply` frame: what the device answered to the client's `cmd` with this id. */
export function replyFrame(id: FrameId, body: CommandBody): string {
  return `{"op":"reply","id":${JSON.stringify(id)},${bodyMembers(body)}}`;
}

/** As in `msg`: a payload that is JSON under `application/json` is embedded as it is. */
function bodyMembers({ payload, properties }: CommandBody): string {
  const contentType = properties?.contentType;
  const rest = propertiesToJson(properties);
  let text = payloadMember(payload, contentType);
  if (contentType !== undefined) text += `,"contentType":${JSON.stringify(contentType)}`;
  if (rest !== undefined) text += `,"properties":${JSON.stringify(rest)}`;
  return text;
}
