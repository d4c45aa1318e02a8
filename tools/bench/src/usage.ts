import { readFile } from 'node:fs/promises';

/** CPU time and memory at one moment. */
export interface Usage {
  /** CPU seconds of the processes so far, all their threads together. */
  cpuS: number;
  rssBytes: number;
  /** CPU seconds of everything on the machine so far, stolen time included. */
  machineCpuS: number;
}

/** What `/proc` counts in; Linux has had it at 100 a second on every architecture since 2.6. */
const TICKS_PER_S = 100;
const PAGE_BYTES = 4_096;

/** Reads `/proc`; elsewhere than on Linux, and for no process at all, `undefined`. Rejects when a process is gone. */
export async function readUsage(pids: readonly number[]): Promise<Usage | undefined> {
  if (process.platform !== 'linux' || pids.length === 0) return undefined;
  const machineCpuS = parseMachineCpu(await readFile('/proc/stat', 'utf8'));
  const each = await Promise.all(
    pids.map(async (pid) => parseProcess(await readFile(`/proc/${pid}/stat`, 'utf8'))),
  );
  return {
    cpuS: each.reduce((sum, { cpuS }) => sum + cpuS, 0),
    rssBytes: each.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    machineCpuS,
  };
}

/** The fields after the name, which is in parentheses and may contain anything: state is the first. */
export function parseProcess(stat: string): { cpuS: number; rssBytes: number } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (numberInManual: number) => Number(fields[numberInManual - 3]);
  return { cpuS: (field(14) + field(15)) / TICKS_PER_S, rssBytes: field(24) * PAGE_BYTES };
}

export function parseMachineCpu(stat: string): number {
  const [user, nice, system, , , irq, softirq, steal] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '')
    .split(' ')
    .map(Number);
  return (
    [user, nice, system, irq, softirq, steal].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) /
    TICKS_PER_S
  );
}
