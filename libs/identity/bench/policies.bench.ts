import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { PolicyRecord, PolicyStatement } from '@trivium/contracts';
import { compilePermissions, policiesOf, type Permissions } from '../src/index.ts';

/** What policies cost a message and a connection: nanoseconds, best of the rounds, and bytes, as JSON. `node bench/policies.bench.ts [ms per round]` */

const roundMs = Number(process.argv[2] ?? 200);
const ROUNDS = 5;
const BATCH = 64;
const CONNECTIONS = 10_000;
const STATEMENTS = 100;

/** A hundred statements, a third of them with placeholders, a tenth of them denials. */
const statements = Array.from({ length: STATEMENTS }, (_, i): PolicyStatement => {
  const places = [`area/${i}/+/state`, `site/\${device.site}/line${i}/#`, `area/${i}/units/+/+`];
  return {
    effect: i % 10 === 9 ? 'deny' : 'allow',
    actions: ['publish', 'subscribe', 'receive'],
    topics: [places[i % 3]!],
  };
});
const policies: PolicyRecord[] = [
  { v: 1, name: 'plant', groups: ['devices'], statements },
  {
    ...{ v: 1, name: 'ids', groups: ['devices'] },
    statements: [{ effect: 'allow', actions: ['connect'], clients: ['${principal}', '${principal}-*'] }],
  },
];
const connect = (of: readonly PolicyRecord[], n: number): Permissions =>
  compilePermissions({
    ...{ policies: of, principal: `device-${n}`, client: `device-${n}`, attributes: { site: `s${n % 50}` } },
  });

let sink = 0;

function nanoseconds(op: (i: number) => unknown): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    let done = 0;
    let elapsed = 0;
    do {
      for (let i = 0; i < BATCH; i++) if (op(i) === true) sink++;
      done += BATCH;
      elapsed = performance.now() - begin;
    } while (elapsed < roundMs);
    best = Math.min(best, (elapsed * 1e6) / done);
  }
  return Math.round(best);
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function bytesPerConnection(of: readonly PolicyRecord[], asked: readonly string[]): number {
  collect();
  const before = process.memoryUsage().heapUsed;
  const all = Array.from({ length: CONNECTIONS }, (_, n) => {
    const one = connect(of, n);
    for (const topic of asked) one.may('publish', topic);
    return one;
  });
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / all.length;
  return Math.round(bytes);
}

const one = connect(policies, 1);
const builtIn = policiesOf([], new Map());
const device = connect(builtIn, 1);
/** As a door has them: each made anew from bytes, so that nothing about the text is remembered but by us. */
const topics = Array.from({ length: BATCH }, (_, i) => Buffer.from(`site/s1/line${i * 3 + 1}/speed/${i}`));
let fresh = 0;

const results = {
  'may, asked before, built-in policy of devices': nanoseconds((i) =>
    device.may('publish', topics[i]!.toString('latin1')),
  ),
  'may, asked before, 100 statements': nanoseconds((i) => one.may('publish', topics[i]!.toString('latin1'))),
  'the text of the topic alone': nanoseconds((i) => topics[i]!.toString('latin1').length > 0),
  'may, another topic each time, 100 statements': nanoseconds(() =>
    one.may('publish', `site/s1/line1/x${fresh++}`),
  ),
  'subscription, another filter each time': nanoseconds(
    () => one.subscription(`site/s1/line4/${fresh++}/#`, false) === 'granted',
  ),
  'decide, 100 statements': nanoseconds((i) => one.decide('publish', topics[i]!.toString('latin1')).allowed),
  'a connection, compiled': nanoseconds((i) => connect(policies, i).mayConnect),
};
const bytes = {
  'a connection, built-in policy of devices': bytesPerConnection(builtIn, ['a/b']),
  'a connection, 100 statements': bytesPerConnection(policies, []),
  'a connection, 100 statements, 10 topics published to': bytesPerConnection(
    policies,
    topics.slice(0, 10).map((topic) => topic.toString('latin1')),
  ),
};

console.log(
  JSON.stringify({ results, unit: 'ns', bytes, connections: CONNECTIONS, sink: sink > 0 }, null, 2),
);
