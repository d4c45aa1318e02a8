import type { Logger } from '@trivium/bus';
import { ERRORS, toMqttReason, type ErrorCode } from '@trivium/contracts';
import { encodeDisconnect } from './codec/encode.ts';
import type { CloseReason, SessionClient } from './session.ts';

/** Reason code of DISCONNECT. */
const USE_ANOTHER_SERVER = 0x9c;

/**
 * DISCONNECT for a client that is connected: in MQTT 5, unless the client itself has ended it [MQTT-3.14.0-1]. `serverReference`: where clients
 * are sent when the door shuts down; empty: nowhere.
 */
export function farewell(
  { level, maximumPacketBytes }: SessionClient,
  reason: CloseReason,
  detail: string | undefined,
  serverReference: string,
): Buffer | undefined {
  if (level < 5 || reason.startsWith('client.')) return undefined;
  const moved = reason === 'server.draining' && serverReference !== '';
  const code = moved ? USE_ANOTHER_SERVER : toMqttReason(reason as ErrorCode, 'disconnect');
  const { public: isPublic, summary } = ERRORS[reason as ErrorCode];
  const reasonString = detail ?? (isPublic ? summary : undefined);
  const why = reasonString === undefined ? {} : { reasonString };
  const packet = encodeDisconnect(code, moved ? { ...why, serverReference } : why);
  // Without the reason string where it would be too large for the client [MQTT-3.14.2-3].
  return packet.length > maximumPacketBytes ? encodeDisconnect(code) : packet;
}

/** What is written down of the end of a connection. */
export function logEnd(
  logger: Logger,
  fields: { readonly code: CloseReason; readonly [name: string]: unknown },
): void {
  const { code } = fields;
  if (code === 'client.disconnected' || code === 'client.gone' || code === 'server.draining')
    logger.debug(fields, 'connection ended');
  else logger.info(fields, 'connection closed');
}
