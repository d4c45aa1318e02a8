import { TriviumError, type ErrorCode } from '@trivium/contracts';
import type { BusConfig } from './config.ts';
import { BUS_DEFAULTS } from './config.ts';
import type { BusStats, Publisher } from './bus.ts';
import type { Lane } from './lane.ts';
import { readAck, type Ack } from './pub-ack.ts';
import { decodeText, publishOptions } from './wire.ts';

/** JetStream's own error number, kept for callers that decide by it (compare-and-set). */
export interface AckSink {
  stored(token: number, pos: number, duplicate: boolean): void;
  failed(token: number, code: ErrorCode, apiCode?: number): void;
}

export interface AckPublisher extends Publisher {
  durable(
    subject: string,
    payload: Uint8Array,
    headers: Uint8Array | undefined,
    sink: AckSink,
    token: number,
  ): void;
  close(): void;
}

/**
 * Bytes sent to NATS and not yet seen by it: above the first number publishers are asked to pause, above the second live messages go. What
 * lies there is what the next message waits for: 1 MiB takes NATS some 10 ms.
 */
const PRESSURE_BYTES = 1 << 20;
const DROP_BYTES = 64 << 20;
const PROBE_BYTES = 1 << 17;

/** JetStream errors that pass by themselves: not available, no quorum, no leader, out of memory for now. */
const RETRYABLE = new Set([10008, 10009, 10023, 10028, 10118]);

const API_CODE = /"err_code":\s*(\d+)/;

/**
 * Publishes with one shared reply inbox. Every durable publish takes a slot; its reply subject is `<inbox>.<slot>`, its answer is
 * parsed by hand. One sweep timer watches the deadlines of all slots.
 */
export function createPublisher(lane: Lane, inbox: string, config: BusConfig, stats: BusStats): AckPublisher {
  const { nc } = lane;
  const capacity = config.maxOpenPublishes ?? BUS_DEFAULTS.maxOpenPublishes;
  const timeoutMs = config.publishTimeoutMs ?? BUS_DEFAULTS.publishTimeoutMs;
  const sinks: (AckSink | undefined)[] = [];
  const tokens: number[] = [];
  const sentAt: number[] = [];
  // A slot is not reused at once: a late answer to a publish that timed out must not acknowledge its successor.
  const generation: number[] = [];
  const free: number[] = [];
  const base = `${inbox}.`;
  let open = 0;
  let tick = 0;
  let unseen = 0;
  let sinceProbe = 0;
  let pressed = false;
  const pressureListeners = new Set<(pressed: boolean) => void>();

  const answer: Ack = { pos: 0, duplicate: false };

  const setPressed = (value: boolean): void => {
    if (value === pressed) return;
    pressed = value;
    for (const listener of [...pressureListeners]) listener(value);
  };

  const probe = (): void => {
    const bytes = sinceProbe;
    sinceProbe = 0;
    nc.flush().then(
      () => {
        unseen -= bytes;
        if (unseen < PRESSURE_BYTES / 2) setPressed(false);
      },
      () => undefined,
    );
  };

  const account = (bytes: number): void => {
    unseen += bytes;
    sinceProbe += bytes;
    if (sinceProbe >= PROBE_BYTES) probe();
    if (unseen > PRESSURE_BYTES) setPressed(true);
  };

  const release = (slot: number): AckSink => {
    const sink = sinks[slot]!;
    sinks[slot] = undefined;
    generation[slot] = (generation[slot]! + 1) % 1_000_000;
    free.push(slot);
    open--;
    return sink;
  };

  const fail = (slot: number, code: ErrorCode, apiCode?: number): void => {
    const token = tokens[slot]!;
    stats.durableFailed++;
    release(slot).failed(token, code, apiCode);
  };

  const failAll = (code: ErrorCode): void => {
    const before = sinks.length;
    for (let slot = 0; slot < before; slot++) if (sinks[slot] !== undefined) fail(slot, code);
  };

  nc.subscribe(`${base}*.*`, {
    callback(_error, message) {
      const subject = message.subject;
      const dot = subject.indexOf('.', base.length);
      const slot = numberIn(subject, base.length, dot);
      if (sinks[slot] === undefined || generation[slot] !== numberIn(subject, dot + 1, subject.length))
        return;
      const data = message.data;
      if (data.length === 0) return fail(slot, 'bus.unavailable'); // 503: no stream, or no leader yet
      readAck(data, answer);
      if (answer.pos === 0) {
        const apiCode = Number(API_CODE.exec(decodeText(data))?.[1] ?? 0);
        return fail(slot, RETRYABLE.has(apiCode) ? 'bus.unavailable' : 'bus.refused', apiCode);
      }
      const token = tokens[slot]!;
      stats.durableStored++;
      release(slot).stored(token, answer.pos, answer.duplicate);
    },
  });

  const offState = lane.onState((up) => {
    if (up) return;
    unseen = 0;
    sinceProbe = 0;
    setPressed(false);
    failAll('bus.unavailable');
  });

  const sweepMs = Math.max(50, Math.floor(timeoutMs / 10));
  const sweep = setInterval(() => {
    tick++;
    const oldest = tick - Math.ceil(timeoutMs / sweepMs);
    for (let slot = 0; slot < sinks.length; slot++) {
      if (sinks[slot] !== undefined && sentAt[slot]! <= oldest) fail(slot, 'bus.timeout');
    }
  }, sweepMs);
  sweep.unref();

  const publisher: AckPublisher = {
    get open() {
      return open;
    },
    get pressed() {
      return pressed;
    },
    onPressure(listener) {
      pressureListeners.add(listener);
      return () => void pressureListeners.delete(listener);
    },
    live(subject, payload, headers) {
      if (!lane.up || unseen > DROP_BYTES) {
        stats.liveDropped++;
        return false;
      }
      if (headers === undefined) nc.publish(subject, payload);
      else nc.publish(subject, payload, publishOptions(undefined, headers));
      stats.livePublished++;
      account(payload.length + subject.length);
      return true;
    },
    durable(subject, payload, headers, sink, token) {
      if (!lane.up || open >= capacity) {
        const code = lane.up ? 'bus.overloaded' : 'bus.unavailable';
        stats.durableFailed++;
        queueMicrotask(() => sink.failed(token, code));
        return;
      }
      let slot = free.pop();
      if (slot === undefined) {
        slot = sinks.length;
        generation.push(0);
      }
      sinks[slot] = sink;
      tokens[slot] = token;
      sentAt[slot] = tick;
      open++;
      stats.durablePublished++;
      nc.publish(subject, payload, publishOptions(`${base}${slot}.${generation[slot]}`, headers));
      account(payload.length + subject.length);
    },
    store(subject, payload, headers) {
      return new Promise((resolve, reject) => {
        publisher.durable(
          subject,
          payload,
          headers,
          {
            stored: (_token, pos, duplicate) => resolve({ pos, duplicate }),
            failed: (_token, code, apiCode) =>
              reject(new TriviumError(code, apiCode === undefined ? code : `JetStream answered ${apiCode}`)),
          },
          0,
        );
      });
    },
    close() {
      clearInterval(sweep);
      offState();
      failAll('bus.unavailable');
    },
  };
  return publisher;
}

function numberIn(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = value * 10 + text.charCodeAt(i) - 48;
  return value;
}
