import { mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Below every system's range of ephemeral ports, so that no outgoing connection can take a port between its
 * choice and its use, and clear of `TRIVIUM_PORT_OFFSET=10000` and `20000`.
 */
const FIRST = 25_000;
const COUNT = 3_000;
const ATTEMPTS = 500;

/**
 * A TCP port of 127.0.0.1 on which nobody listens. It stays reserved for this process: no other caller of
 * `freePort` on this host, in any process, gets it before this process has ended.
 */
export async function freePort(): Promise<number> {
  const folder = join(tmpdir(), 'trivium-ports');
  await mkdir(folder, { recursive: true });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if ((await reserve(join(folder, String(port)))) && (await canListen(port))) return port;
  }
  throw new Error(`no free port found in ${FIRST}-${FIRST + COUNT - 1}`);
}

/** `count` different ports, each as `freePort` gives it. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

async function reserve(file: string): Promise<boolean> {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await removeStale(file);
    return false;
  }
}

/** The port itself is left for a later attempt: taking it here would race with others doing the same. */
async function removeStale(file: string): Promise<void> {
  const owner = Number(await readFile(file, 'utf8').catch(() => ''));
  if (!Number.isInteger(owner) || owner <= 0 || isAlive(owner)) return;
  await unlink(file).catch(() => undefined);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
