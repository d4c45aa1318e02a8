import { setTimeout as sleep } from 'node:timers/promises';
import { NEVER } from './accounts/messages.ts';
import { WILL_ROOT, type Wills } from './accounts/wills.ts';
import type { Door } from './clients/client.ts';
import { createSubscriber } from './clients/subscriber.ts';
import type { World } from './world.ts';

export interface RetainedCheckOptions {
  readonly doors: readonly Door[];
  readonly prefix: string;
  readonly stallMs: number;
  readonly quietMs: number;
  also(tick: () => void): void;
}

/** What is right for a topic. */
type Expected = ReadonlyMap<string, (payload: string) => boolean>;

/** When nobody publishes any more: a client that was never there before gets one retained message of each topic, the right one. */
export async function checkRetained(
  world: World,
  wills: Wills,
  options: RetainedCheckOptions,
): Promise<void> {
  const { findings, now } = world;
  const expected = expectedOf(world, wills);
  const got = await read(world, expected, options);
  const wrong = (text: string): void => findings.add({ kind: 'retained wrong', text, ms: now() });
  for (const [topic, isRight] of expected) {
    const payloads = got.get(topic) ?? [];
    if (payloads.length !== 1) wrong(`${topic}: ${payloads.length} retained messages`);
    else if (!payloads.every(isRight)) wrong(`${topic}: ${payloads.join(', ')}`);
  }
  // One that was never acknowledged may be there, and need not.
  const published = new Set(world.messages.streams.filter(({ retain }) => retain).map(({ topic }) => topic));
  for (const topic of got.keys()) {
    if (!expected.has(topic) && !published.has(topic)) wrong(`${topic}: retained, and never published so`);
  }
}

/** The last one acknowledged, or one after it; of wills, which nobody acknowledges, the last one that came. */
function expectedOf({ messages }: World, wills: Wills): Expected {
  const expected = new Map<string, (payload: string) => boolean>();
  for (const { topic, retain, acknowledgedAt } of messages.streams) {
    const last = acknowledgedAt.findLastIndex((at) => at !== NEVER) + 1;
    if (retain && last > 0)
      expected.set(topic, (payload) => (messages.recognise(topic, payload)?.seq ?? 0) >= last);
  }
  for (const [topic, { payload, retain }] of wills.latest) {
    if (retain) expected.set(topic, (got) => got === payload);
  }
  return expected;
}

/** Topic to payloads with the retain flag. */
async function read(
  { now, ...world }: World,
  expected: Expected,
  { doors, prefix, stallMs, quietMs, also }: RetainedCheckOptions,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const got = new Map<string, string[]>();
  const reader = createSubscriber(
    { now, ...world },
    {
      ...{
        name: 'reader',
        clientId: `${prefix}-reader`,
        doors,
        home: 0,
        wanders: false,
        clean: true,
        answerDelayMs: 0,
      },
      retained: (topic, payload) => void got.set(topic, [...(got.get(topic) ?? []), payload]),
      other: () => true,
    },
  );
  also(reader.tick);
  reader.client.come();
  for (let since = now(); !reader.client.isOpen && now() - since < stallMs;) await sleep(20);
  reader.subscribe({ filter: 'chaos/#', qos: 2 });
  reader.subscribe({ filter: `${WILL_ROOT}/#`, qos: 2 });
  const isComplete = (): boolean =>
    reader.openRequests === 0 && [...expected.keys()].every((topic) => got.has(topic));
  for (let [since, seen] = [now(), 0]; !isComplete() && now() - since < stallMs;) {
    if (got.size !== seen) [since, seen] = [now(), got.size];
    await sleep(20);
  }
  await sleep(quietMs);
  reader.client.stop();
  return got;
}
