import { setTimeout as sleep } from 'node:timers/promises';
import { HUB } from '../accounts/trace.ts';
import type { Publisher } from '../clients/publisher.ts';
import type { Service } from '../targets/target.ts';
import type { World } from '../world.ts';
import type { Kind } from './kinds.ts';

/** One thing that was done to the hub, milliseconds since the beginning. */
export interface Kill {
  readonly kind: string;
  readonly parts: readonly string[];
  readonly ms: number;
  /** From the kill until the parts said that they are ready. */
  readyMs: number;
  /** From the kill until every steady publisher had a message acknowledged that it sent after it. */
  serviceMs: number;
}

export interface KillLoop {
  readonly kinds: readonly Kind[];
  readonly services: readonly Service[];
  /** Those that stay connected of their own accord: they tell when the service is back. */
  readonly publishers: readonly Publisher[];
  /** Between one that is over and the next. */
  readonly pauseMs: readonly [shortest: number, longest: number];
  /** How long a killed part stays away before it is started again. */
  readonly downMs: readonly [shortest: number, longest: number];
  /** Longer than a lease. */
  readonly frozenMs: readonly [shortest: number, longest: number];
  /** A service that is not back by then will not be. */
  readonly backMs: number;
  readonly signal: AbortSignal;
  onKill(kill: Kill, number: number): void;
}

/** Harms the parts in turn and waits each time until they, and the service, are back. Resolves to what was done. */
export async function runKills(world: World, loop: KillLoop): Promise<Kill[]> {
  const { random: source, trace, outages, findings, now } = world;
  const random = source.fork('kills');
  const kills: Kill[] = [];

  const harm = async (service: Service, kind: Kind): Promise<void> => {
    const { part } = service;
    outages.begin(part, kind.harm);
    if (kind.harm === 'frozen') {
      trace.record('freeze', HUB, { text: part });
      service.freeze?.();
      await sleep(random.between(...loop.frozenMs));
      trace.record('thaw', HUB, { text: part });
      service.thaw?.();
    } else {
      trace.record('kill', HUB, { text: part });
      await service.kill();
      await sleep(random.between(...loop.downMs));
      trace.record('started', HUB, { text: part });
      await service.start();
    }
    outages.end(part);
    trace.record('ready', HUB, { text: part });
  };

  const serviceIsBack = async (kill: Kill, since: number): Promise<void> => {
    const waiting = new Set(loop.publishers);
    const until = now() + loop.backMs;
    while (waiting.size > 0 && now() < until && !loop.signal.aborted) {
      for (const one of waiting) if (one.acknowledgedUpTo > since) waiting.delete(one);
      if (waiting.size > 0) await sleep(5);
    }
    kill.serviceMs = now() - kill.ms;
    for (const { client } of loop.signal.aborted ? [] : waiting) {
      const text = `${client.name}: nothing acknowledged ${loop.backMs} ms after the kill`;
      findings.add({ kind: 'not back', text, ms: kill.ms, client: client.number });
    }
  };

  for (const kind of loop.kinds) {
    await sleep(random.between(...loop.pauseMs), undefined, { signal: loop.signal }).catch(() => undefined);
    if (loop.signal.aborted) break;
    const ended = loop.services.map((service) => service.problem()).find((problem) => problem !== undefined);
    if (ended !== undefined) throw new Error(ended);
    const kill: Kill = { kind: kind.name, parts: kind.parts, ms: now(), readyMs: 0, serviceMs: 0 };
    kills.push(kill);
    const since = trace.length;
    const harmed = loop.services.filter(({ part }) => kind.parts.includes(part));
    const back = serviceIsBack(kill, since);
    await Promise.all(harmed.map((service) => harm(service, kind)));
    kill.readyMs = now() - kill.ms;
    await back;
    loop.onKill(kill, kills.length);
  }
  return kills;
}
