import { monitorEventLoopDelay } from 'node:perf_hooks';
import { registerCounters } from './counters.ts';

const RESOLUTION_MS = 10;

/**
 * Memory, processor time, uptime and event loop delay of this process. The delay is that of the time since the last
 * reading; with several readers each sees what the others left.
 * @returns stops the measuring
 */
export function registerProcessMetrics(): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  // What is sampled is the time between two ticks of a timer, the timer's own interval included.
  const seconds = (nanoseconds: number) =>
    delay.count === 0 ? 0 : Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3);
  const unregister = registerCounters(
    'trivium.process',
    () => {
      const memory = process.memoryUsage();
      const cpu = process.cpuUsage();
      const loop = {
        p50: seconds(delay.percentile(50)),
        p99: seconds(delay.percentile(99)),
        max: seconds(delay.max),
      };
      delay.reset();
      return {
        'nodejs.eventloop.delay': loop,
        'process.memory.usage': memory.rss,
        'process.memory.heap.used': memory.heapUsed,
        'process.memory.external': memory.external,
        'process.cpu.time': { user: cpu.user / 1e6, system: cpu.system / 1e6 },
        'process.uptime': process.uptime(),
      };
    },
    {
      'nodejs.eventloop.delay': {
        description: 'Event loop delay since the last reading',
        unit: 's',
        kind: 'gauge',
        label: 'quantile',
      },
      'process.memory.usage': { description: 'Resident set size', unit: 'By', kind: 'gauge' },
      'process.memory.heap.used': { description: 'JavaScript heap in use', unit: 'By', kind: 'gauge' },
      'process.memory.external': {
        description: 'Memory of buffers outside the heap',
        unit: 'By',
        kind: 'gauge',
      },
      'process.cpu.time': { description: 'Processor time used', unit: 's', label: 'mode' },
      'process.uptime': { description: 'Time since the process began', unit: 's', kind: 'gauge' },
    },
  );
  return () => {
    unregister();
    delay.disable();
  };
}
