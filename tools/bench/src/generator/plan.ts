import type { LoadMode, Workload } from '../workload.ts';
import type { Level } from './packets.ts';

export interface Address {
  host: string;
  port: number;
}

export interface PublisherPlan {
  id: number;
  topic: string;
  /** Messages to send; `undefined`: until told to stop. */
  quota: number | undefined;
}

export interface SubscriberPlan {
  id: number;
  filter: string;
  /** Ids of the publishers whose messages it must receive. */
  publishers: readonly number[];
}

/** What one generator process does. A publisher and all its subscribers are in the same one: they share a clock. */
export interface LoadPlan {
  mode: LoadMode;
  qos: 0 | 1;
  payloadBytes: number;
  window: number;
  /** Messages a second of this process; `rate` mode. */
  rate: number;
  /** Client ids begin with it, and no two runs have the same. */
  prefix: string;
  publishAt: Address;
  subscribeAt: Address;
  /** Default: 3.1.1. */
  level?: Level;
  publishers: readonly PublisherPlan[];
  subscribers: readonly SubscriberPlan[];
  /** Without progress for so long, what is outstanding is lost: windows are given back, and the stall counted. */
  stallMs: number;
  /** How long the end of a run waits for a next message. */
  drainMs: number;
}

export interface LoadTarget {
  publishAt: Address;
  subscribeAt: Address;
  /** What the clients speak; default: 3.1.1. */
  level?: Level;
}

export interface PlanOptions {
  prefix: string;
  processes: number;
  stallMs?: number;
  drainMs?: number;
}

/** Divides a workload over at most `processes` generator processes; a fan-in cannot be divided. */
export function planLoad(workload: Workload, target: LoadTarget, options: PlanOptions): LoadPlan[] {
  const { prefix } = options;
  const groups = workload.pattern === 'wild' ? 1 : workload.pubs;
  const processes = Math.max(1, Math.min(options.processes, groups));
  return Array.from({ length: processes }, (_, process) => {
    const mine = (publisher: number) => workload.pattern === 'wild' || publisher % processes === process;
    const all = Array.from({ length: workload.pubs }, (_, id) => id);
    const publishers = all
      .filter(mine)
      .map((id) => ({ id, topic: `${prefix}/${id}`, quota: share(workload.count, workload.pubs, id) }));
    const subscribers = Array.from({ length: workload.subs }, (_, id) => id)
      .filter((id) => mine(id % workload.pubs))
      .map((id) =>
        workload.pattern === 'wild'
          ? { id, filter: `${prefix}/#`, publishers: all }
          : { id, filter: `${prefix}/${id % workload.pubs}`, publishers: [id % workload.pubs] },
      );
    return {
      mode: workload.mode,
      qos: workload.qos,
      payloadBytes: workload.payloadBytes,
      window: workload.window,
      rate: ((workload.rate ?? 0) * publishers.length) / workload.pubs,
      prefix,
      ...target,
      publishers,
      subscribers,
      stallMs: options.stallMs ?? 1_000,
      drainMs: options.drainMs ?? 3_000,
    };
  });
}

function share(count: number | undefined, parts: number, part: number): number | undefined {
  return count === undefined ? undefined : Math.floor(count / parts) + (part < count % parts ? 1 : 0);
}
