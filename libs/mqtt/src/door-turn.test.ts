import { expect, test } from 'vitest';
import { DoorTurn } from './door-turn.ts';

function made() {
  const runs: (() => void)[] = [];
  const turn = new DoorTurn((run) => runs.push(run));
  const log: string[] = [];
  return {
    turn,
    log,
    runs,
    end: () => runs.splice(0).forEach((run) => run()),
    servable: (name: string, then?: () => void) => ({
      serve() {
        log.push(`serve ${name}`);
        then?.();
      },
    }),
    flushable: (name: string) => ({ flush: () => void log.push(`flush ${name}`) }),
  };
}

test('what was received is served in its order, and what that gave is written in the same turn', () => {
  const { turn, log, runs, end, servable, flushable } = made();
  turn.write(flushable('early'));
  turn.received(
    servable('a', () => turn.write(flushable('a'))),
    10,
  );
  turn.received(servable('b'), 10);
  turn.received(undefined, 10);
  expect([log, runs.length]).toEqual([[], 1]);
  end();
  expect(log).toEqual(['serve a', 'serve b', 'flush early', 'flush a']);
  expect(runs).toEqual([]);
});

test('what comes while the turn ends is for the next', () => {
  const { turn, log, runs, end, servable, flushable } = made();
  turn.write({ flush: () => turn.write(flushable('next')) });
  turn.received(
    servable('a', () => turn.received(servable('later'), 1)),
    1,
  );
  end();
  expect([log, runs.length]).toEqual([['serve a'], 1]);
  end();
  expect(log).toEqual(['serve a', 'serve later', 'flush next']);
  end();
  expect(log).toHaveLength(3);
});

test('a flood is served before the turn ends, and written at its end', () => {
  const { turn, log, end, servable, flushable } = made();
  turn.received(
    servable('a', () => turn.write(flushable('a'))),
    600_000,
  );
  turn.received(undefined, 600_000);
  expect(log).toEqual(['serve a']);
  end();
  expect(log).toEqual(['serve a', 'flush a']);
});
