import { availableParallelism, cpus, release, totalmem } from 'node:os';

/** What times depend on; nothing that names the machine. */
export function describeMachine(): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, ${memory} GiB, ${process.platform} ${release()}, Node ${process.versions.node}`;
}
