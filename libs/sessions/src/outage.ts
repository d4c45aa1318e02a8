import type { Bus } from '@trivium/bus';
import { errorCode, ERRORS } from '@trivium/contracts';

const PAUSE_MS = 200;

/** Repeats `work` for as long as it fails for want of the bus, waiting for that to come back. Rejects with anything else. */
export async function throughOutages<T>(bus: Bus, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const { category } = ERRORS[errorCode(error)];
      if (category !== 'retryable' && category !== 'overloaded') throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    await untilUp(bus);
  }
}

function untilUp(bus: Bus): Promise<void> {
  if (bus.up) return Promise.resolve();
  return new Promise((resolve) => {
    const off = bus.onState((up) => {
      if (!up) return;
      off();
      resolve();
    });
  });
}
