import { setTimeout as sleep } from 'node:timers/promises';
import { eachOf } from '../generator/each-of.ts';
import { Histogram } from '../generator/histogram.ts';
import { Link } from '../generator/link.ts';
import { OutBuffer } from '../generator/out-buffer.ts';
import { PAYLOAD_HEADER_BYTES, PUBLISH } from '../generator/packets.ts';
import type { Address } from '../generator/plan.ts';
import type { Account, RoundCounts } from './account.ts';
import type { SessionPlan } from './session-plan.ts';

export interface ComeBackOptions {
  sessions: readonly SessionPlan[];
  doors: readonly Address[];
  /** Sessions go to another door with each turn. */
  turn: number;
  account: Account;
  payloadBytes: number;
  /** CONNECTs on their way at once. */
  atOnce: number;
  /** Without a message for so long, what has not come is lost. */
  giveUpMs: number;
  /** What comes twice may come late. */
  settleMs: number;
  readBuffer: Buffer;
}

export interface ComeBackResult {
  /** From the first CONNECT to the last message. */
  secs: number;
  /** To the last CONNACK. */
  connectedSecs: number;
  /** To the first message. */
  firstSecs: number;
  /** Of single sessions: from its CONNECT to its last message. */
  sessionP50Secs: number;
  sessionP99Secs: number;
  sessionsPresent: number;
  lostConnections: number;
  counts: RoundCounts;
}

const ASK_EVERY_MS = 20;

/** Connects all sessions as fast as they are let in, acknowledges what comes, and leaves when nothing is missing. */
export async function comeBack(options: ComeBackOptions): Promise<ComeBackResult> {
  const { sessions, doors, turn, account, atOnce, readBuffer } = options;
  const out = new OutBuffer();
  const links: Link[] = [];
  const each = new Histogram();
  let lostConnections = 0;
  let connectedAt = 0;
  let firstAt: number | undefined;
  let now = performance.now();
  let lastAt = now;

  const connect = async (rank: number) => {
    const { index, clientId } = sessions[rank] as SessionPlan;
    const startedAt = performance.now();
    const link = await Link.open({
      address: doors[(rank + turn) % doors.length] as Address,
      clientId,
      clean: false,
      readBuffer,
      handlers: {
        packet: (first, bytes, start, end) => {
          if (first >> 4 !== PUBLISH) {
            account.malformed++;
            return;
          }
          firstAt ??= now;
          lastAt = now;
          const payloadAt = acknowledge(first, bytes, start, out);
          if (end - payloadAt !== options.payloadBytes) account.malformed++;
          else if (
            account.see(
              index,
              bytes.readUInt32BE(payloadAt + 8),
              bytes.readUInt32BE(payloadAt + PAYLOAD_HEADER_BYTES - 4),
            )
          )
            each.add(now - startedAt);
        },
        readStarts: () => void (now = performance.now()),
        readEnds: (from) => out.sendTo(from),
        drained: () => undefined,
        lost: () => void lostConnections++,
      },
    });
    links.push(link);
    connectedAt = performance.now();
  };

  const begunAt = performance.now();
  let refusal: unknown;
  const connecting = eachOf([...sessions.keys()], connect, atOnce).catch((error) => (refusal = error));
  const isDone = () => refusal !== undefined || (account.isComplete && links.length === sessions.length);
  const quietMs = () => performance.now() - Math.max(begunAt, connectedAt, lastAt);
  while (!isDone() && quietMs() < options.giveUpMs) await sleep(ASK_EVERY_MS);
  if (refusal === undefined && links.length < sessions.length)
    refusal = new Error(`${sessions.length - links.length} sessions got no CONNACK`);
  if (refusal !== undefined) throw refusal;
  await connecting;
  const servedAt = lastAt;
  await sleep(options.settleMs);
  const counts = account.counts();
  const sessionsPresent = links.filter((link) => link.sessionPresent).length;
  await eachOf(links, (link) => link.close());
  const secs = (at: number) => (at - begunAt) / 1_000;
  return {
    secs: secs(servedAt),
    connectedSecs: secs(connectedAt),
    firstSecs: secs(firstAt ?? NaN),
    sessionP50Secs: each.quantile(0.5) / 1_000,
    sessionP99Secs: each.quantile(0.99) / 1_000,
    sessionsPresent,
    lostConnections,
    counts,
  };
}

/** Appends the PUBACK that a PUBLISH at QoS 1 asks for. Returns where the payload begins. */
function acknowledge(first: number, bytes: Buffer, start: number, out: OutBuffer): number {
  const idAt = start + 2 + bytes.readUInt16BE(start);
  if ((first & 0b110) === 0) return idAt;
  const at = out.room(4);
  out.bytes[at] = 0x40;
  out.bytes[at + 1] = 2;
  bytes.copy(out.bytes, at + 2, idAt, idAt + 2);
  return idAt + 2;
}
