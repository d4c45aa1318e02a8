import type { CommandBody } from '@trivium/commands';
import {
  accept,
  parseCommandName,
  parseTopic,
  payloadFromJson,
  propertiesFromJson,
  refuse,
  type Message,
  type Result,
} from '@trivium/contracts';
import type { CmdFrame, FrameId, PubFrame, ReplyFrame } from './codec.ts';
import type { SessionLimits } from './session.ts';

/** A command from a client to a device. */
export interface Call {
  /** Of the frame. */
  readonly id: FrameId;
  readonly device: string;
  readonly name: string;
  readonly body: CommandBody;
  readonly timeoutMs: number;
}

type BodyLimits = Pick<SessionLimits, 'topics'>;

const DEFAULT_TIMEOUT_MS = 5_000;

export function callOf(
  frame: CmdFrame,
  nowMs: number,
  limits: BodyLimits & Pick<SessionLimits, 'maxClientIdBytes'>,
  text: string | undefined,
): Result<Call> {
  const { id, device, timeoutMs = DEFAULT_TIMEOUT_MS } = frame;
  // It becomes a NATS subject: what no client can be called is not asked for.
  if (device === '' || device.includes('\0') || !device.isWellFormed())
    return refuse('client-id.invalid', 'device is empty or no text');
  if (Buffer.byteLength(device) > limits.maxClientIdBytes)
    return refuse('client-id.invalid', `device has more than ${limits.maxClientIdBytes} bytes`);
  const name = parseCommandName(frame.name);
  if (!name.ok) return name;
  const body = bodyOf(frame, nowMs, limits, text);
  return body.ok ? accept({ id, device, name: name.value, body: body.value, timeoutMs }) : body;
}

/** Payload and properties of a frame. `text` is what it was read from: a payload that is JSON is taken from it byte for byte. */
export function bodyOf(
  frame: Pick<PubFrame | CmdFrame | ReplyFrame, 'payload' | 'payloadBase64' | 'contentType' | 'properties'>,
  nowMs: number,
  limits: BodyLimits,
  text: string | undefined,
): Result<Pick<Message, 'payload' | 'properties'>> {
  const payload = payloadFromJson(frame, text);
  if (!payload.ok) return payload;
  const properties = propertiesFromJson(frame.properties, frame.contentType, nowMs);
  if (!properties.ok) return properties;
  const responseTopic = properties.value?.responseTopic;
  if (responseTopic !== undefined) {
    const checked = parseTopic(responseTopic, limits.topics);
    if (!checked.ok) return refuse(checked.error.code, `responseTopic: ${checked.error.message}`);
  }
  return accept(
    properties.value === undefined
      ? { payload: payload.value }
      : { payload: payload.value, properties: properties.value },
  );
}
