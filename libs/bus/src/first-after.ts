import { TriviumError, type StreamName } from '@trivium/contracts';
import type { Lane } from './lane.ts';

/** Calls for times this close together share one answer. */
const SHARED_MS = 1_000;

/** See `Bus.firstPosAfter`. `lastPos` is that of the bus. */
export function createFirstAfter(
  lane: Lane,
  lastPos: (stream: StreamName) => Promise<number>,
): (timeMs: number, stream?: StreamName) => Promise<number> {
  const answers = new Map<StreamName, { timeMs: number; first: Promise<number> }>();

  const ask = async (timeMs: number, stream: StreamName): Promise<number> => {
    // Before the question: when nothing is that young, what is stored after it must not count as older.
    const last = await lastPos(stream);
    const answer = await lane.nc
      .request(
        `$JS.API.DIRECT.GET.${stream}`,
        JSON.stringify({ start_time: new Date(timeMs).toISOString() }),
        { timeout: 5_000 },
      )
      .catch((cause: unknown) => {
        throw new TriviumError('bus.unavailable', `the first of ${stream} after a time`, { cause });
      });
    const status = answer.headers?.code ?? 0;
    if (status === 404) return last + 1;
    if (status !== 0)
      throw new TriviumError('bus.unavailable', `the first of ${stream} after a time: ${status}`);
    return Number(answer.headers!.get('Nats-Sequence'));
  };

  return (timeMs, stream = 'MESSAGES') => {
    const shared = answers.get(stream);
    if (shared !== undefined && timeMs >= shared.timeMs && timeMs - shared.timeMs <= SHARED_MS)
      return shared.first;
    const mine = { timeMs, first: ask(timeMs, stream) };
    answers.set(stream, mine);
    mine.first.catch(() => {
      if (answers.get(stream) === mine) answers.delete(stream);
    });
    return mine.first;
  };
}
