import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OutputArena } from './output-arena.ts';
import { DoorTurn } from './door-turn.ts';
import { Outbox } from './outbox.ts';
import { createStats } from './stats.ts';
import { FakeTransport } from './testing/fake-transport.ts';

function made() {
  let run: (() => void) | undefined;
  const arena = new OutputArena();
  const stats = createStats();
  const shared = { arena, stats, turn: new DoorTurn((later) => (run = later)) };
  const endTurn = () => {
    const now = run;
    run = undefined;
    now?.();
  };
  const outbox = () => {
    const transport = new FakeTransport();
    const sink = { onData() {}, onEnd() {}, onClose() {}, onDrain: () => box.drained() };
    const box: Outbox = new Outbox(shared, transport);
    transport.open(sink);
    return { box, transport };
  };
  return { arena, stats, outbox, endTurn, scheduled: () => run !== undefined };
}

test('everything of a turn leaves in one write, in order', () => {
  const { outbox, endTurn, scheduled } = made();
  const { box, transport } = outbox();
  box.send(Buffer.from('ab'));
  box.acknowledge(0x40, 0x0102);
  box.send(Buffer.from('cd'));
  expect(transport.writes).toEqual([]);
  endTurn();
  expect(transport.writes).toEqual([Buffer.from('ab\x40\x02\x01\x02cd', 'latin1')]);
  expect([box.waiting, scheduled()]).toEqual([0, false]);
  endTurn();
  expect(transport.writes).toHaveLength(1);
});

test('outboxes share one end of the turn, and each keeps its own order', () => {
  const { outbox, endTurn } = made();
  const [a, b] = [outbox(), outbox()];
  for (let i = 0; i < 5; i++) {
    a.box.send(Buffer.from(`a${i}`));
    b.box.send(Buffer.from(`b${i}`));
  }
  endTurn();
  expect([a.transport.writes, b.transport.writes]).toEqual([
    [Buffer.from('a0a1a2a3a4')],
    [Buffer.from('b0b1b2b3b4')],
  ]);
});

test('much of one turn does not wait for its end', () => {
  const { outbox } = made();
  const { box, transport } = outbox();
  for (let i = 0; i < 3; i++) box.send(Buffer.alloc(30_000, i));
  expect(transport.writes.map(({ length }) => length)).toEqual([90_000]);
});

test('one write at a time: what follows waits until it has left', () => {
  const { outbox, endTurn } = made();
  const { box, transport } = outbox();
  transport.stuck = true;
  box.send(Buffer.from('one'));
  endTurn();
  box.send(Buffer.from('two'));
  endTurn();
  box.send(Buffer.from('three'));
  expect([transport.writes.length, box.waiting]).toEqual([1, 11]);
  transport.drain();
  expect(box.waiting).toBe(5);
  endTurn();
  expect(Buffer.concat(transport.writes).toString()).toBe('onetwothree');
  expect(box.waiting).toBe(0);
});

test('what waits does not keep the arena, only itself', () => {
  const { arena, outbox, endTurn } = made();
  const { box, transport } = outbox();
  transport.stuck = true;
  box.send(Buffer.from('x'));
  endTurn();
  const pieces: Buffer[] = [];
  transport.write = (chunks) => pieces.push(...chunks) > 0;
  box.send(Buffer.from('held'));
  endTurn();
  transport.drain();
  expect(pieces.map(({ buffer }) => buffer === arena.buffer.buffer)).toEqual([false]);
});

test('nothing is lost, repeated or reordered, however appends, turns and drains fall', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('send', 'large', 'turn', 'stuck', 'drain'), fc.nat(2)), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const { outbox, endTurn, stats } = made();
      const clients = [outbox(), outbox(), outbox()];
      const sent = ['', '', ''];
      const add = (at: number, bytes: string) => {
        sent[at] += bytes;
        clients[at]!.box.send(Buffer.from(bytes));
      };
      let n = 0;
      for (const [what, at] of all) {
        const { transport } = clients[at]!;
        if (what === 'send') add(at, `${++n},`);
        else if (what === 'large') add(at, `${++n}`.repeat(20_000));
        else if (what === 'turn') endTurn();
        else if (what === 'stuck') transport.stuck = true;
        else if (transport.stuck) transport.drain();
      }
      endTurn();
      for (const { transport } of clients) {
        transport.stuck = false;
        transport.drain();
      }
      endTurn();
      clients.forEach(({ box, transport }, at) => {
        expect(Buffer.concat(transport.writes).toString() === sent[at]).toBe(true);
        expect(box.waiting).toBe(0);
      });
      expect(stats.bytesOut).toBe(sent.join('').length);
    }),
    { numRuns: 60 },
  );
});

test('bytes handed over do not change when the arena is written to again', () => {
  const { arena, outbox, endTurn } = made();
  const { box, transport } = outbox();
  const kept: Buffer[] = [];
  transport.write = (chunks) => kept.push(...chunks) > 0;
  box.send(Buffer.from('first'));
  endTurn();
  for (let i = 0; i < 50; i++) {
    const at = arena.reserve(10_000);
    arena.buffer.fill(0, at, at + 10_000);
  }
  expect(kept[0]!.toString()).toBe('first');
});
