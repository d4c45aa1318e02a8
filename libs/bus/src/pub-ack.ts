/** What JetStream says of a publish. */
export interface Ack {
  /** Position in the stream; 0: it was not stored, the answer carries an error. */
  pos: number;
  /** The stream had a message with this `Nats-Msg-Id` already. */
  duplicate: boolean;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const [S, E, Q, D, U] = [0x73, 0x65, 0x71, 0x64, 0x75];

/**
 * Reads `{"stream":"MESSAGES","domain":"…","seq":7,"duplicate":true}` in place. An answer with an `error` may carry a `seq` of 0 or none.
 */
export function readAck(data: Uint8Array, into: Ack): void {
  into.pos = 0;
  into.duplicate = false;
  const end = data.length;
  for (let i = 1; i < end - 5; i++) {
    if (data[i] !== QUOTE) continue;
    if (
      data[i + 1] === S &&
      data[i + 2] === E &&
      data[i + 3] === Q &&
      data[i + 4] === QUOTE &&
      data[i + 5] === COLON
    ) {
      let at = i + 6;
      while (data[at] === 0x20) at++;
      let pos = 0;
      for (let digit = data[at]! - 48; digit >= 0 && digit <= 9; digit = data[++at]! - 48)
        pos = pos * 10 + digit;
      into.pos = pos;
      i = at - 1;
    } else if (data[i + 1] === D && data[i + 2] === U && into.pos > 0) {
      into.duplicate = true;
      return;
    }
  }
}
