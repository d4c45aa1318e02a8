import { expect, test } from 'vitest';
import { createTrace, DUP, HUB, RETAIN } from './trace.ts';

test('events keep their order, and a message its history', () => {
  let ms = 100;
  const trace = createTrace(
    () => ms,
    (stream) => `stream ${stream}`,
  );
  const [p, s, other] = ['p', 's', 'other'].map((name) => trace.nameClient(name)) as [number, number, number];
  trace.record('PUBLISH >', p, { stream: 3, seq: 70_000, packetId: 9, flags: DUP | RETAIN });
  ms += 10;
  trace.record('PUBLISH >', p, { stream: 4, seq: 70_000, packetId: 10 });
  trace.record('kill', HUB, { text: 'door 1' });
  trace.record('connection ended', s, { text: 'ended' });
  trace.record('connection ended', other, { text: 'ended' });
  ms += 5_000;
  trace.record('kill', HUB, { text: 'nats' });
  expect(trace.history(3, 70_000, new Set([p, s])).map((line) => line.trim())).toEqual([
    '0.000 s  #0  p  PUBLISH >  stream 3 no. 70000  id 9  dup  retain',
    '0.010 s  #2  hub  kill  door 1',
    '0.010 s  #3  s  connection ended  ended',
  ]);
  expect(trace.around(other, 0, 1_000)).toHaveLength(2);
  expect([...trace.lines()]).toHaveLength(trace.length);
  expect(trace.msOf(5)).toBe(5_010);
});

test('it holds more than one block of memory', () => {
  const trace = createTrace(
    () => 0,
    () => '',
  );
  for (let n = 0; n < 70_000; n++) trace.record('PUBACK <', 1, { stream: 1, seq: n });
  expect(trace.history(1, 69_999, new Set([1]))).toHaveLength(1);
});
