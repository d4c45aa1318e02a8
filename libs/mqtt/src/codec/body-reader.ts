import type { ErrorCode } from '@trivium/contracts';
import { decodeUtf8 } from './utf8.ts';

/**
 * Reads the fields of one packet's body in order. It never throws and never reads past the body: the first field that is not
 * there, or not legal, sets `failure`, and everything read afterwards is empty. Check `failure` before acting on anything.
 */
export class BodyReader {
  readonly buffer: Buffer;
  at: number;
  readonly end: number;
  failure: string | undefined;
  /** What kind of fault `failure` is: most are malformed, some what MQTT 5 calls a protocol error. */
  code: ErrorCode = 'protocol.malformed';

  constructor(buffer: Buffer, start: number, end: number) {
    this.buffer = buffer;
    this.at = start;
    this.end = end;
  }

  fail(reason: string, code: ErrorCode = 'protocol.malformed'): void {
    if (this.failure === undefined) {
      this.failure = reason;
      this.code = code;
    }
    this.at = this.end;
  }

  get left(): number {
    return this.end - this.at;
  }

  byte(field: string): number {
    if (this.at >= this.end) {
      this.fail(`${field} is missing`);
      return 0;
    }
    return this.buffer[this.at++]!;
  }

  uint16(field: string): number {
    if (this.end - this.at < 2) {
      this.fail(`${field} is missing`);
      return 0;
    }
    const value = (this.buffer[this.at]! << 8) | this.buffer[this.at + 1]!;
    this.at += 2;
    return value;
  }

  uint32(field: string): number {
    const high = this.uint16(field);
    return high * 0x1_0000 + this.uint16(field);
  }

  /** In its shortest form [MQTT-1.5.5-1] (MQTT 5). */
  variableByteInteger(field: string): number {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const byte = this.byte(field);
      if (this.failure !== undefined) return 0;
      value |= (byte & 0x7f) << (7 * i);
      if (byte >= 0x80) continue;
      if (byte === 0 && i > 0) this.fail(`${field} is not in its shortest form`);
      return value;
    }
    this.fail(`${field} is longer than four bytes`);
    return 0;
  }

  /** Two length bytes and that many bytes: a view, not a copy. */
  binary(field: string): Buffer {
    const length = this.uint16(field);
    const start = this.at;
    if (this.failure !== undefined || length > this.end - start) {
      this.fail(`${field} is cut short`);
      return this.buffer.subarray(0, 0);
    }
    this.at = start + length;
    return this.buffer.subarray(start, start + length);
  }

  /** Two length bytes and that many bytes of well-formed UTF-8 without U+0000 [MQTT3-1.5.3-1], [MQTT3-1.5.3-2]. */
  utf8(field: string): string {
    const length = this.uint16(field);
    const start = this.at;
    if (this.failure !== undefined || length > this.end - start) {
      this.fail(`${field} is cut short`);
      return '';
    }
    const value = decodeUtf8(this.buffer, start, start + length);
    if (value === undefined) {
      this.fail(`${field} is not UTF-8, or contains U+0000`);
      return '';
    }
    this.at = start + length;
    return value;
  }

  /** A packet identifier: never 0 [MQTT3-2.3.1-1], [MQTT-2.2.1-3]. */
  packetId(): number {
    const id = this.uint16('packet identifier');
    if (id === 0) this.fail('packet identifier is 0', 'protocol.error');
    return id;
  }

  /** The remaining length is used up exactly. */
  finish(): void {
    if (this.at < this.end) this.fail(`${this.end - this.at} bytes too many`);
  }
}
