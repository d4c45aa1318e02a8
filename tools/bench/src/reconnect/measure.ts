import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@trivium/testing';
import { readUsage } from '../usage.ts';
import { Account } from './account.ts';
import { comeBack, type ComeBackResult } from './come-back.ts';
import { createSessions } from './create-sessions.ts';
import type { JetStream } from './jetstream.ts';
import type { ReconnectOptions } from './reconnect-options.ts';
import { planSessions } from './session-plan.ts';
import type { Site } from './site.ts';
import { storeMessages } from './store-messages.ts';

export interface Cost {
  /** Of the log, all together. */
  consumers: number;
  records: number;
  bytesPerRecord: number;
}

export interface Round extends ComeBackResult {
  index: 'level' | 'lost';
  storeSecs: number;
  /** Questions of the doors that the position index has answered. */
  answered: number;
  /** Positions of the log between the cursors and its end. */
  span: number;
  /** CPU seconds while sessions came back, by process; empty where it cannot be read. */
  cpuS: Record<string, number>;
}

export interface Reconnect {
  createSecs: number;
  cost: Cost;
  rounds: Round[];
}

const READ_BUFFER_BYTES = 256 << 10;
const GIVE_UP_MS = 20_000;
const SETTLE_MS = 500;
const REST_TIMEOUT_MS = 60_000;
const INDEX_TIMEOUT_MS = 300_000;

/** Two rounds of the same sessions: with a position index that is level, and after it was lost together with its router. */
export async function measureReconnect(
  site: Site,
  log: JetStream,
  options: ReconnectOptions,
  progress: (line: string) => void,
): Promise<Reconnect> {
  const prefix = `r${Math.random().toString(36).slice(2, 8)}`;
  const { all, back } = planSessions(prefix, options.sessions, options.reconnecting);
  const account = new Account(back.map(({ index }) => index));
  const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  const { doors } = site;

  /** Until the router has read the log and knows so many sessions and messages that wait for them. */
  const indexIsLevel = (sessions: number, messages: number) =>
    waitFor(
      async () =>
        (await site.routerMetric('trivium_router_index_sessions')) === sessions &&
        (await site.routerMetric('trivium_router_index_messages')) === messages &&
        (await site.routerMetric('trivium_router_index_lag')) === 0,
      {
        timeoutMs: INDEX_TIMEOUT_MS,
        message: `the position index to know ${sessions} sessions and ${messages} messages`,
      },
    );

  const { consumers: atRest } = await log.state('MESSAGES');
  /** Until no door reads the log any more, as when its clients have been away for long: what it has in memory would be no proof. */
  const doorsAreAtRest = () =>
    waitFor(async () => (await log.state('MESSAGES')).consumers <= atRest, {
      timeoutMs: REST_TIMEOUT_MS,
      message: 'the doors to stop reading the log',
    });

  const round = async (index: Round['index']): Promise<Round> => {
    await doorsAreAtRest();
    const { lastPos } = await log.state('MESSAGES');
    const from = account.owe(options.messages);
    await log.pad(options.pad, prefix, options.payloadBytes);
    const startedAt = performance.now();
    await storeMessages({ ...options, doors, sessions: back, prefix, from, readBuffer });
    const storeSecs = (performance.now() - startedAt) / 1_000;
    const span = (await log.state('MESSAGES')).lastPos - lastPos;
    if (index === 'level') await indexIsLevel(all.length, account.expected);
    else {
      await site.killRouter();
      await log.purge('KV_positions');
    }
    progress(`${account.expected} messages stored in ${storeSecs.toFixed(1)} s, the index is ${index}`);
    await sleep(SETTLE_MS);
    const answers = async () =>
      index === 'lost' ? 0 : ((await site.routerMetric('trivium_router_index_requests_total')) ?? 0);
    const answeredBefore = await answers();
    const pids = { ...site.pids(), generator: process.pid };
    const before = await cpuSeconds(pids);
    const result = await comeBack({
      ...{ sessions: back, doors, turn: index === 'level' ? 1 : 0, account, readBuffer },
      ...{ payloadBytes: options.payloadBytes, atOnce: options.atOnce },
      ...{ giveUpMs: GIVE_UP_MS, settleMs: SETTLE_MS },
    });
    const after = await cpuSeconds(pids);
    const answered = (await answers()) - answeredBefore;
    const cpuS = Object.fromEntries(
      Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]),
    );
    return { index, storeSecs, answered, span, ...result, cpuS };
  };

  const startedAt = performance.now();
  await createSessions(all, doors, readBuffer);
  const createSecs = (performance.now() - startedAt) / 1_000;
  await indexIsLevel(all.length, 0);
  await doorsAreAtRest();
  const { messages: records, bytes } = await log.state('KV_sessions');
  const { consumers } = await log.state('MESSAGES');
  const cost = { consumers, records, bytesPerRecord: bytes / records };
  progress(`${all.length} sessions made in ${createSecs.toFixed(1)} s`);

  return { createSecs, cost, rounds: [await round('level'), await round('lost')] };
}

async function cpuSeconds(pids: Readonly<Record<string, number>>): Promise<Record<string, number>> {
  const each = await Promise.all(
    Object.entries(pids).map(async ([name, pid]) => [name, (await readUsage([pid]))?.cpuS] as const),
  );
  return Object.fromEntries(each.filter((entry): entry is [string, number] => entry[1] !== undefined));
}
