import { describe, expect, it } from 'vitest';
import { ECHO_MS, INITIAL, step, type LifeCycle, type LifeCycleInput } from './life-cycle.ts';

function run(...inputs: LifeCycleInput[]) {
  let state: LifeCycle = INITIAL;
  const effects = inputs.map((input) => {
    const next = step(state, input);
    state = next.state;
    return next.effects.map((effect) =>
      effect.type === 'exit' ? `exit ${effect.code}${effect.forced ? ` ${effect.forced}` : ''}` : effect.type,
    );
  });
  return { phase: state.phase, effects };
}

const started: LifeCycleInput = { type: 'started' };
const stop = (reason: string, atMs = 0): LifeCycleInput => ({ type: 'stop', reason, atMs });
const drained: LifeCycleInput = { type: 'drained', clean: true };

describe('life cycle', () => {
  it('starts, drains and exits 0', () => {
    expect(run(started)).toEqual({ phase: 'ready', effects: [[]] });
    expect(run(started, stop('SIGTERM'))).toEqual({
      phase: 'draining',
      effects: [[], ['arm-deadlines', 'drain']],
    });
    expect(run(started, stop('SIGTERM'), drained)).toMatchObject({
      phase: 'stopped',
      effects: [[], ['arm-deadlines', 'drain'], ['exit 0']],
    });
  });

  it('told to stop while starting, drains when it has started', () => {
    expect(run(stop('SIGTERM'))).toEqual({ phase: 'starting', effects: [['arm-deadlines']] });
    expect(run(stop('SIGTERM'), started)).toEqual({
      phase: 'draining',
      effects: [['arm-deadlines'], ['drain']],
    });
  });

  it('exits 1 when a stage failed', () => {
    expect(run(started, stop('SIGINT'), { type: 'drained', clean: false }).effects.at(-1)).toEqual([
      'exit 1',
    ]);
  });

  it('cancels past the grace time and exits past the force time', () => {
    const { effects, phase } = run(started, stop('SIGTERM'), { type: 'grace-over' }, { type: 'force-over' });
    expect(effects.slice(2)).toEqual([['cancel'], ['exit 1 deadline']]);
    expect(phase).toBe('stopped');
  });

  it('is forced by the same signal again', () => {
    expect(run(started, stop('SIGINT', 0), stop('SIGINT', ECHO_MS)).effects.at(-1)).toEqual([
      'exit 1 repeated',
    ]);
    expect(run(stop('SIGINT', 0), stop('SIGINT', ECHO_MS)).effects.at(-1)).toEqual(['exit 1 repeated']);
  });

  it('is not forced by an echo, nor when terminal, launcher and its end tell the same thing in turn', () => {
    expect(run(started, stop('SIGINT', 0), stop('SIGINT', ECHO_MS - 1)).effects.at(-1)).toEqual([]);
    const { effects } = run(started, stop('SIGINT', 0), stop('SIGTERM', 2_000), stop('parent gone', 4_000));
    expect(effects.slice(2)).toEqual([[], []]);
  });

  it('does nothing once it has stopped', () => {
    const inputs = [
      started,
      stop('SIGINT', 9_999),
      { type: 'grace-over' },
      { type: 'force-over' },
      drained,
    ] as const;
    for (const input of inputs) {
      const { phase, effects } = run(started, stop('SIGINT'), drained, input);
      expect([phase, effects[3]]).toEqual(['stopped', []]);
    }
  });
});
