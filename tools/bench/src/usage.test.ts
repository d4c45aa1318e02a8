import { startProcess } from '@trivium/testing';
import { expect, test } from 'vitest';
import { parseMachineCpu, parseProcess, readUsage } from './usage.ts';

test('a process line is read after its name, whatever the name is', () => {
  const numbers = '1 2 3 4 5 6 7 8 9 10 250 150 13 14 15 16 17 18 19 20 1000';
  expect(parseProcess(`42 (a) R (b)) S ${numbers} 99`)).toEqual({ cpuS: 4, rssBytes: 1000 * 4096 });
});

test('idle time and waiting for disks are not work of the machine', () => {
  expect(parseMachineCpu('cpu  100 10 50 9999 777 5 15 20 0 0\ncpu0 1 2 3 4\n')).toBe(2);
});

test('the CPU time of a busy process grows, and a process that is gone is an error', async () => {
  const busy = await startProcess({
    command: process.execPath,
    args: [
      '-e',
      'const end = Date.now() + 300; while (Date.now() < end); console.log("done"); setInterval(() => {}, 1e3)',
    ],
    ready: /done/,
  });
  const usage = await readUsage([busy.pid]);
  expect(usage?.cpuS).toBeGreaterThan(0.05);
  expect(usage?.rssBytes).toBeGreaterThan(10e6);
  await busy.kill();
  await expect(readUsage([busy.pid])).rejects.toThrow(/ENOENT|ESRCH/);
});

test('nothing to account for is not zero', async () => {
  expect(await readUsage([])).toBeUndefined();
});
