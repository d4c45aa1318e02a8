import { TriviumError, type StreamName } from '@trivium/contracts';
import type { Bus } from './bus.ts';
import type { Lane } from './lane.ts';
import { api } from './wire.ts';

const NO_MESSAGE = 10037;

/** Rare requests about single messages and subjects of a stream. */
export function createStreamEdits(lane: Lane): Pick<Bus, 'erase' | 'count'> {
  const call = async <T>(subject: string, body: object) => {
    if (!lane.up) throw new TriviumError('bus.unavailable');
    return api<T>(lane.nc, subject, body).catch((cause: unknown) => {
      throw new TriviumError('bus.unavailable', subject, { cause });
    });
  };
  return {
    async erase(stream: StreamName, pos: number) {
      const gone = await call(`STREAM.MSG.DELETE.${stream}`, { seq: pos, no_erase: true });
      if (gone.error !== undefined && gone.error.err_code !== NO_MESSAGE)
        throw new TriviumError('bus.refused', `${stream} ${pos}: ${gone.error.description}`);
    },
    async count(stream: StreamName, subject: string) {
      const info = await call<{ state: { subjects?: Record<string, number> } }>(`STREAM.INFO.${stream}`, {
        subjects_filter: subject,
      });
      if (info.error !== undefined) throw new TriviumError('bus.refused', info.error.description);
      return info.state.subjects?.[subject] ?? 0;
    },
  };
}
