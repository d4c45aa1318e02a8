import { expect, test } from 'vitest';
import { DoorTurn } from './door-turn.ts';

function made() {
  const runs: (() => void)[] = [];
  const time = { ms: 0 };
  const turn = new DoorTurn(
    (run) => runs.push(run),
    () => time.ms,
  );
  const log: string[] = [];
  return {
    turn,
    time,
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

test('a little of very many is served before the turn ends, and written at its end', () => {
  const { turn, log, end, servable, flushable } = made();
  turn.received(
    servable('a', () => turn.write(flushable('a'))),
    30_000,
  );
  for (let n = 0; n < 40; n++) turn.received(undefined, 30_000);
  expect(log).toEqual(['serve a']);
  end();
  expect(log).toEqual(['serve a', 'flush a']);
});

test('who sends much at once is served after the others, as many as time allows, in their order', () => {
  const { turn, time, log, runs, end, servable, flushable } = made();
  for (const name of ['a', 'b', 'c']) {
    const flood = servable(name, () => {
      turn.write(flushable(name));
      time.ms += 3;
    });
    turn.received(flood, 65_536);
  }
  turn.received(servable('small'), 10);
  end();
  expect([log.splice(0), runs.length]).toEqual([
    ['serve small', 'serve a', 'serve b', 'flush a', 'flush b'],
    1,
  ]);
  turn.received(servable('a again'), 65_536);
  turn.received(servable('small'), 10);
  end();
  expect(log).toEqual(['serve small', 'serve c', 'serve a again', 'flush c']);
  expect(runs).toEqual([]);
});
