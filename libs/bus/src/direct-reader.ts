import type { ErrorCode, StreamName } from '@trivium/contracts';
import type { Msg } from '@nats-io/nats-core';
import type { FetchedMessage, FetchSink } from './bus.ts';
import type { Lane } from './lane.ts';
import { api, publishOptions } from './wire.ts';

const TIMEOUT_MS = 5_000;
const SWEEP_MS = 500;
const NOT_FOUND = 10037;

export interface DirectReader {
  fetch(stream: StreamName, pos: number, sink: FetchSink, token: number): void;
  close(): void;
}

/**
 * Reads messages by position with one shared reply inbox, as the publisher publishes: a slot for each that is open, and one sweep
 * for all deadlines. What one replica does not have is asked of the stream's leader before it counts as gone.
 */
export function createDirectReader(lane: Lane, inbox: string): DirectReader {
  const { nc } = lane;
  const base = `${inbox}.get.`;
  const sinks: (FetchSink | undefined)[] = [];
  const tokens: number[] = [];
  const streams: StreamName[] = [];
  const positions: number[] = [];
  const askedAt: number[] = [];
  /** A slot is used again: a late answer to a read that timed out must not answer its successor. */
  const generation: number[] = [];
  const free: number[] = [];
  let tick = 0;

  const release = (slot: number): FetchSink => {
    const sink = sinks[slot]!;
    sinks[slot] = undefined;
    generation[slot]!++;
    free.push(slot);
    return sink;
  };

  const fail = (slot: number, code: ErrorCode): void => {
    const token = tokens[slot]!;
    release(slot).failed(token, code);
  };

  const failAll = (): void => {
    for (let slot = 0; slot < sinks.length; slot++)
      if (sinks[slot] !== undefined) fail(slot, 'bus.unavailable');
  };

  const confirmGone = async (slot: number): Promise<void> => {
    const mine = generation[slot]!;
    const stream = streams[slot]!;
    const found = await api(nc, `STREAM.MSG.GET.${stream}`, { seq: positions[slot]! }).catch(() => undefined);
    if (sinks[slot] === undefined || generation[slot] !== mine) return;
    if (found?.error?.err_code !== NOT_FOUND) return fail(slot, 'bus.unavailable');
    const token = tokens[slot]!;
    release(slot).fetched(token, undefined);
  };

  const onAnswer = (_error: unknown, message: Msg): void => {
    const subject = message.subject;
    const dot = subject.indexOf('.', base.length);
    const slot = Number(subject.slice(base.length, dot));
    if (sinks[slot] === undefined || generation[slot] !== Number(subject.slice(dot + 1))) return;
    const headers = message.headers;
    const status = headers?.code ?? 0;
    if (status === 404) return void confirmGone(slot);
    const stored = headers?.get('Nats-Subject');
    if (status !== 0 || !stored) return fail(slot, 'bus.unavailable');
    const token = tokens[slot]!;
    const fetched: FetchedMessage = { subject: stored, data: message.data, headers };
    release(slot).fetched(token, fetched);
  };

  nc.subscribe(`${base}*.*`, { callback: onAnswer });
  const offState = lane.onState((up) => {
    if (!up) failAll();
  });
  const sweep = setInterval(() => {
    tick++;
    const oldest = tick - Math.ceil(TIMEOUT_MS / SWEEP_MS);
    for (let slot = 0; slot < sinks.length; slot++)
      if (sinks[slot] !== undefined && askedAt[slot]! <= oldest) fail(slot, 'bus.timeout');
  }, SWEEP_MS);
  sweep.unref();

  return {
    fetch(stream, pos, sink, token) {
      if (!lane.up) return queueMicrotask(() => sink.failed(token, 'bus.unavailable'));
      let slot = free.pop();
      if (slot === undefined) {
        slot = sinks.length;
        generation.push(0);
      }
      sinks[slot] = sink;
      tokens[slot] = token;
      streams[slot] = stream;
      positions[slot] = pos;
      askedAt[slot] = tick;
      const reply = `${base}${slot}.${generation[slot]}`;
      nc.publish(`$JS.API.DIRECT.GET.${stream}`, `{"seq":${pos}}`, publishOptions(reply, undefined));
    },
    close() {
      clearInterval(sweep);
      offState();
      failAll();
    },
  };
}
