import { connect } from 'node:net';
import { hostOf } from '../../host-of.ts';
import type { RunningProcess } from '../../hub-file.ts';
import { fail, ok, skip, type Finding } from '../finding.ts';

const PATIENCE_MS = 3_000;

interface Readiness {
  readonly state?: string;
  readonly checks?: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

/** Whether each process is ready, and its door open. `dataDir`: where they were to be written down. */
export async function checkDoors(
  processes: readonly RunningProcess[] | undefined,
  dataDir: string,
): Promise<Finding[]> {
  if (processes === undefined)
    return [
      skip(
        'doors',
        `no npm start runs on ${dataDir}; processes elsewhere are named by --admin <url>, doors over TLS by --door <url>`,
      ),
    ];
  return (await Promise.all(processes.map(checkProcess))).flat();
}

async function checkProcess({ name, ready, address }: RunningProcess): Promise<Finding[]> {
  return [
    ...(ready === undefined ? [] : [await checkReady(name, ready)]),
    ...(address === undefined ? [] : [await checkPort(name, new URL(address))]),
  ];
}

async function checkReady(name: string, url: string): Promise<Finding> {
  const look = `see its log; npm start starts it again by itself`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) return ok(name, `is ready (${url})`);
    return fail(name, `is not ready: ${reasons((await answer.json()) as Readiness)}`, look);
  } catch {
    return fail(name, `does not answer at ${url}: it does not run, or hangs`, look);
  }
}

function reasons({ state, checks = {} }: Readiness): string {
  const failed = Object.entries(checks).filter(([, { ok }]) => !ok);
  return (
    failed.map(([check, { detail }]) => `${check}${detail === undefined ? '' : `: ${detail}`}`).join('; ') ||
    String(state)
  );
}

function checkPort(name: string, url: URL): Promise<Finding> {
  const { port, href } = url;
  return new Promise((resolve) => {
    const socket = connect({ host: hostOf(url), port: Number(port), timeout: PATIENCE_MS });
    const shut = (): void => {
      socket.destroy();
      resolve(fail(name, `nothing takes connections at ${href}`, 'see its log'));
    };
    socket.once('error', shut).once('timeout', shut);
    socket.once('connect', () => {
      socket.destroy();
      resolve(ok(name, `takes connections at ${href}`));
    });
  });
}
