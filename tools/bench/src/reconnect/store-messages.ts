import { Link } from '../generator/link.ts';
import { OutBuffer } from '../generator/out-buffer.ts';
import { PAYLOAD_HEADER_BYTES, PUBACK, publishTemplate, type PublishTemplate } from '../generator/packets.ts';
import type { Address } from '../generator/plan.ts';
import type { SessionPlan } from './session-plan.ts';

/** Unacknowledged messages of one publisher: far fewer than there are packet ids, which are taken in turn. */
const WINDOW = 500;

export interface StoreOptions {
  doors: readonly Address[];
  sessions: readonly SessionPlan[];
  /** Client ids of the publishers begin with it. */
  prefix: string;
  publishers: number;
  payloadBytes: number;
  /** To each session. */
  messages: number;
  /** Number of the first message. */
  from: number;
  readBuffer: Buffer;
}

/** Publishes at QoS 1 to all sessions in turn, from several connections, and resolves when all is acknowledged. */
export async function storeMessages(options: StoreOptions): Promise<void> {
  const { sessions, publishers } = options;
  const mine = (n: number) => sessions.filter((_, rank) => rank % publishers === n);
  await Promise.all(Array.from({ length: publishers }, (_, n) => publish(n, mine(n), options)));
}

async function publish(n: number, sessions: readonly SessionPlan[], options: StoreOptions): Promise<void> {
  const { doors, prefix, payloadBytes, messages, from, readBuffer } = options;
  const templates = sessions.map(({ index, topic }) => publishTemplate(topic, 1, payloadBytes, index));
  const total = templates.length * messages;
  if (total === 0) return;
  const out = new OutBuffer();
  let sent = 0;
  let acknowledged = 0;
  const stored = Promise.withResolvers<void>();

  const send = (link: Link) => {
    while (!link.blocked && sent < total && sent - acknowledged < WINDOW) {
      const template = templates[sent % templates.length] as PublishTemplate;
      append(out, template, (sent % 0xffff) + 1, from + Math.floor(sent / templates.length));
      sent++;
    }
    out.sendTo(link);
  };
  const link = await Link.open({
    address: doors[n % doors.length] as Address,
    clientId: `${prefix}-publisher-${n}`,
    clean: true,
    readBuffer,
    handlers: {
      packet: (first) => {
        if (first >> 4 !== PUBACK) stored.reject(new Error(`a publisher was sent packet type ${first >> 4}`));
        else if (++acknowledged === total) stored.resolve();
      },
      readStarts: () => undefined,
      readEnds: (from) => send(from),
      drained: () => send(link),
      lost: () => stored.reject(new Error('a publisher lost its connection')),
    },
  });
  send(link);
  await stored.promise;
  await link.close();
}

function append(out: OutBuffer, template: PublishTemplate, packetId: number, sequence: number): void {
  const { bytes, idAt, payloadAt } = template;
  const at = out.room(bytes.length);
  bytes.copy(out.bytes, at);
  out.bytes.writeUInt16BE(packetId, at + idAt);
  out.bytes.writeUInt32BE(sequence, at + payloadAt + PAYLOAD_HEADER_BYTES - 4);
}
