/** Synchronous and cheap: true when fine, false or a reason for a person when not. */
export type ReadinessCheck = () => boolean | string;

export interface ReadinessReport {
  ready: boolean;
  state: string;
  checks: Record<string, { ok: boolean; detail?: string }>;
}

/** Ready when the service is in state `ready` and every check passes. A check that throws has failed. */
export function readinessReport(
  state: string,
  checks: Readonly<Record<string, ReadinessCheck>>,
): ReadinessReport {
  const results = Object.entries(checks).map(([name, check]) => [name, run(check)] as const);
  return {
    ready: state === 'ready' && results.every(([, { ok }]) => ok),
    state,
    checks: Object.fromEntries(results),
  };
}

function run(check: ReadinessCheck): { ok: boolean; detail?: string } {
  try {
    const result = check();
    return typeof result === 'string' ? { ok: false, detail: result } : { ok: result };
  } catch (error) {
    return { ok: false, detail: `the check failed: ${(error as Error).message}` };
  }
}
