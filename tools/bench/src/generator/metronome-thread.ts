import { parentPort, workerData } from 'node:worker_threads';

const { periodMs, stopped } = workerData as { periodMs: number; stopped: Int32Array<SharedArrayBuffer> };

for (let next = performance.now(); Atomics.load(stopped, 0) === 0;) {
  next += periodMs;
  const now = performance.now();
  if (next < now) next = now;
  else Atomics.wait(stopped, 0, 0, next - now);
  parentPort?.postMessage(null);
}
