/** starting → ready → draining → stopped; a service told to stop while starting drains as soon as it has started. */
export type Phase = 'starting' | 'ready' | 'draining' | 'stopped';

export interface LifeCycle {
  readonly phase: Phase;
  /** Why it stops; set once. */
  readonly stopReason: string | undefined;
  /** When it was told to stop and by which signal, to tell a second request from an echo of the first. */
  readonly stopAtMs: number;
}

export type LifeCycleInput =
  | { type: 'started' }
  | { type: 'stop'; reason: string; atMs: number }
  | { type: 'grace-over' }
  | { type: 'force-over' }
  | { type: 'drained'; clean: boolean };

export type LifeCycleEffect =
  | { type: 'arm-deadlines' }
  | { type: 'drain' }
  | { type: 'cancel' }
  | { type: 'exit'; code: number; forced: 'deadline' | 'repeated' | undefined };

export const INITIAL: LifeCycle = { phase: 'starting', stopReason: undefined, stopAtMs: 0 };

/** A terminal, a package manager and a launcher may all pass one Ctrl-C on: what follows this soon is an echo. */
export const ECHO_MS = 300;

/** The pure core of `runService`. A second stop forces when it has the reason of the first (the same signal) and is no echo. */
export function step(
  state: LifeCycle,
  input: LifeCycleInput,
): { state: LifeCycle; effects: LifeCycleEffect[] } {
  if (state.phase === 'stopped') return { state, effects: [] };
  switch (input.type) {
    case 'started':
      if (state.phase !== 'starting') return { state, effects: [] };
      if (state.stopReason === undefined) return { state: { ...state, phase: 'ready' }, effects: [] };
      return { state: { ...state, phase: 'draining' }, effects: [{ type: 'drain' }] };
    case 'stop':
      return stop(state, input.reason, input.atMs);
    case 'grace-over':
      return { state, effects: [{ type: 'cancel' }] };
    case 'force-over':
      return exit(state, 1, 'deadline');
    case 'drained':
      return exit(state, input.clean ? 0 : 1, undefined);
  }
}

function stop(state: LifeCycle, reason: string, atMs: number): ReturnType<typeof step> {
  if (state.stopReason !== undefined) {
    const repeated = reason === state.stopReason && atMs - state.stopAtMs >= ECHO_MS;
    return repeated ? exit(state, 1, 'repeated') : { state, effects: [] };
  }
  const stopping: LifeCycle = { ...state, stopReason: reason, stopAtMs: atMs };
  if (state.phase === 'starting') return { state: stopping, effects: [{ type: 'arm-deadlines' }] };
  return {
    state: { ...stopping, phase: 'draining' },
    effects: [{ type: 'arm-deadlines' }, { type: 'drain' }],
  };
}

function exit(
  state: LifeCycle,
  code: number,
  forced: 'deadline' | 'repeated' | undefined,
): ReturnType<typeof step> {
  return { state: { ...state, phase: 'stopped' }, effects: [{ type: 'exit', code, forced }] };
}
