import { setTimeout as sleep } from 'node:timers/promises';

const ASK_EVERY_MS = 50;
const ANSWER_MS = 2_000;

/** Resolves to true when `url` answers 200, to false when `signal` is aborted first. */
export async function becomesReady(url: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (await answers(url, signal)) return true;
    await sleep(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  return false;
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
