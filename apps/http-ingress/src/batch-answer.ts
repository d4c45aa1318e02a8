import type { ServerResponse } from 'node:http';
import type { BatchAnswer } from './batch.ts';
import type { WriteTurn } from './write-turn.ts';

/** Keeps the results, to be sent as one JSON document. */
export function keptAnswer(response: ServerResponse): BatchAnswer & { json(): string } {
  const results: string[] = [];
  return {
    result: (text) => void results.push(text),
    full: false,
    onRoom: (listener) => void response.once('close', listener),
    get closed() {
      return response.destroyed;
    },
    json: () => `{"results":[${results.join()}]}`,
  };
}

/** Writes each result as a line when it is there. */
export function writtenAnswer(
  response: ServerResponse,
  turn: WriteTurn,
  maxOutputBytes: number,
): BatchAnswer {
  let roomy = (): void => undefined;
  const onFlushed = (): void => roomy();
  return {
    result(text) {
      if (response.destroyed) return;
      turn.gather(response);
      response.write(`${text}\n`, onFlushed);
    },
    get full() {
      return response.writableLength >= maxOutputBytes;
    },
    onRoom(listener) {
      roomy = listener;
      response.once('close', listener);
    },
    get closed() {
      return response.destroyed;
    },
  };
}
