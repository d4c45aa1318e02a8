import { TriviumError, type BucketName } from '@trivium/contracts';
import type { Lane } from './lane.ts';
import { api, NOT_FOUND } from './wire.ts';

export async function missingBuckets(lane: Lane, names: readonly BucketName[]): Promise<BucketName[]> {
  const isMissing = async (name: BucketName): Promise<boolean> => {
    if (!lane.up) throw new TriviumError('bus.unavailable');
    const { error } = await api(lane.nc, `STREAM.INFO.KV_${name}`).catch((cause: unknown) => {
      throw new TriviumError('bus.unavailable', `looking for the bucket ${name}`, { cause });
    });
    if (error !== undefined && error.err_code !== NOT_FOUND)
      throw new TriviumError('bus.unavailable', `looking for the bucket ${name}: ${error.description}`);
    return error !== undefined;
  };
  const found = await Promise.all(names.map(isMissing));
  return names.filter((_, i) => found[i]);
}
