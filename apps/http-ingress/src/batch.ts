import type { Message, Refusal, Result } from '@trivium/contracts';
import type { Publisher } from '@trivium/bus';
import type { Piece } from './batch-text.ts';
import type { Publishing, PublishSink } from './publishing.ts';

/** Where the results go. */
export interface BatchAnswer {
  /** The JSON of a result, in the order of the items. */
  result(text: string): void;
  /** Its reader does not keep up. */
  readonly full: boolean;
  /** Calls `listener` when it is no longer full, or nobody reads it any more. */
  onRoom(listener: () => void): void;
  /** Nobody reads it any more. */
  readonly closed: boolean;
}

export interface BatchOptions {
  publishing: Pick<Publishing, 'begin'>;
  publisher: Pick<Publisher, 'pressed' | 'onPressure'>;
  answer: BatchAnswer;
  /** `protocol.malformed`: no JSON. */
  read(bytes: Uint8Array): Result<Message>;
  /** Bytes that are no JSON say that the whole body is none. */
  oneText: boolean;
  /** Idempotency key of the request: that of each message is this and its place. */
  key: string | undefined;
  maxItems: number;
  /** Messages that may wait to be stored. */
  maxOpen: number;
}

/** The messages of one request on their way into the bus, in order. */
export interface Batch {
  readonly size: number;
  /** False: nothing may come after this. */
  add(piece: Piece): boolean;
  /** What comes must wait for `room()`. */
  readonly full: boolean;
  /** Resolves when there is room for many, or nobody reads the results any more. One caller at a time. */
  room(): Promise<void>;
  /** Resolves when all have their results, or nobody reads them any more. */
  settled(): Promise<void>;
  /** Nothing is added or waited for after this. */
  close(): void;
}

/** A message costs no promise and no timer, and a wait ends when half the room is free. */
export function createBatch(options: BatchOptions): Batch {
  const { publishing, publisher, answer, read, oneText, key, maxItems, maxOpen } = options;
  /** By place; empty: told already. */
  const results: (string | undefined)[] = [];
  let added = 0;
  let told = 0;
  let waitsFor: (() => boolean) | undefined;
  let go = (): void => undefined;

  const check = (): void => {
    if (waitsFor === undefined || !(answer.closed || waitsFor())) return;
    waitsFor = undefined;
    go();
  };
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      waitsFor = condition;
      go = resolve;
      check();
    });

  const settle = (place: number, result: string): void => {
    results[place] = result;
    for (let text = results[told]; text !== undefined; text = results[++told]) {
      results[told] = '';
      answer.result(text);
    }
    check();
  };
  const sink: PublishSink = {
    published: (place, { pos }) =>
      settle(place, pos === undefined ? '{"ok":true}' : `{"ok":true,"pos":${pos}}`),
    failed: (place, { code, message }) => settle(place, JSON.stringify({ ok: false, code, message })),
  };
  const refuse = (error: Refusal): void => sink.failed(added++, error);

  const offPressure = publisher.onPressure(check);
  answer.onRoom(check);

  return {
    get size() {
      return added;
    },
    add(piece) {
      if (added === maxItems) {
        refuse({ code: 'payload.too-large', message: `a batch has at most ${maxItems} items` });
        return false;
      }
      if (piece.refusal !== undefined) {
        refuse(piece.refusal);
        return !piece.last;
      }
      const message = read(piece.bytes);
      if (message.ok) {
        const place = added++;
        publishing.begin(message.value, key === undefined ? undefined : `${key}/${place}`, sink, place);
        return true;
      }
      refuse(message.error);
      return !(oneText && message.error.code === 'protocol.malformed');
    },
    get full() {
      return added - told >= maxOpen || publisher.pressed || answer.full;
    },
    room: () => until(() => added - told <= maxOpen / 2 && !publisher.pressed && !answer.full),
    settled: () => until(() => told === added),
    close: offPressure,
  };
}
