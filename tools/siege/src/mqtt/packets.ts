/** Packets of MQTT 3.1.1 and 5 as a client sends them. No code is shared with the hub: a misunderstanding in both would find itself right. */

export type Level = 4 | 5;

export const PINGREQ = Buffer.from([0xc0, 0]);
export const PINGRESP = Buffer.from([0xd0, 0]);
export const DISCONNECT = Buffer.from([0xe0, 0]);

export interface Connect {
  clientId: string;
  level?: Level;
  clean?: boolean;
  keepAliveSeconds?: number;
  user?: string;
  password?: string;
  will?: { topic: string; payload: string; qos: 0 | 1 | 2 };
}

export function connect(options: Connect): Buffer {
  const { clientId, level = 4, clean = true, keepAliveSeconds = 60, user, password, will } = options;
  let flags = clean ? 2 : 0;
  if (will !== undefined) flags |= 4 | (will.qos << 3);
  if (user !== undefined) flags |= 0x80;
  if (password !== undefined) flags |= 0x40;
  const none = level === 5 ? [Buffer.from([0])] : [];
  return packet(0x10, [
    text('MQTT'),
    Buffer.from([level, flags]),
    uint16(keepAliveSeconds),
    ...(level === 5 ? [properties([0x11, 0, 0, 0, clean ? 0 : 60])] : []),
    text(clientId),
    ...(will === undefined ? [] : [...none, text(will.topic), text(will.payload)]),
    ...(user === undefined ? [] : [text(user)]),
    ...(password === undefined ? [] : [text(password)]),
  ]);
}

export interface Publish {
  topic: string;
  payload: Buffer;
  qos?: 0 | 1 | 2;
  packetId?: number;
  retain?: boolean;
  /** MQTT 5: the properties, without their length. */
  properties?: readonly number[];
}

export function publish(level: Level, options: Publish): Buffer {
  const { topic, payload, qos = 0, packetId = 1, retain = false } = options;
  const first = 0x30 | (qos << 1) | (retain ? 1 : 0);
  const id = qos === 0 ? [] : [uint16(packetId)];
  const described = level === 5 ? [properties(options.properties ?? [])] : [];
  return packet(first, [text(topic), ...id, ...described, payload]);
}

export function subscribe(
  level: Level,
  packetId: number,
  filters: readonly string[],
  qos: 0 | 1 | 2,
): Buffer {
  const none = level === 5 ? [properties([])] : [];
  return packet(0x82, [
    uint16(packetId),
    ...none,
    ...filters.flatMap((filter) => [text(filter), Buffer.from([qos])]),
  ]);
}

export function unsubscribe(level: Level, packetId: number, filters: readonly string[]): Buffer {
  const none = level === 5 ? [properties([])] : [];
  return packet(0xa2, [uint16(packetId), ...none, ...filters.map(text)]);
}

/** PUBACK (4), PUBREC (5), PUBREL (6) or PUBCOMP (7). */
export function answer(type: number, packetId: number): Buffer {
  return packet((type << 4) | (type === 6 ? 2 : 0), [uint16(packetId)]);
}

/** AUTH (MQTT 5) with a method and data. */
export function auth(reason: number, method: string, data: Buffer): Buffer {
  const described = [0x15, ...text(method), 0x16, ...uint16(data.length), ...data];
  return packet(0xf0, [Buffer.from([reason]), properties(described)]);
}

export function packet(first: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([first, ...varint(body.length)]), body]);
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([uint16(bytes.length), bytes]);
}

export function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function properties(bytes: readonly number[]): Buffer {
  return Buffer.from([...varint(bytes.length), ...bytes]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest > 0 ? byte | 0x80 : byte);
  } while (rest > 0);
  return bytes;
}
