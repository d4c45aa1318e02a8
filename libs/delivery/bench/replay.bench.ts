/**
 * 2,000 receivers come back at once, 200,000 messages behind, 100 of which each one wants: by the shared scan, and by the positions
 * that an index knows; then one receiver that wants a whole log in the pace of a window. As JSON: compare runs on one machine by
 * ratio.
 */
import { connectBus, type Bus, type Logger } from '@trivium/bus';
import { parseFilter, type TopicFilter } from '@trivium/contracts';
import { startNats } from '@trivium/testing';
import { createDelivery, type Attachment, type AttachOptions, type KnownPositions } from '../src/index.ts';

const RECEIVERS = 2_000;
const WANTED = 100;
const WINDOW = 1_000;
const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const payload = new Uint8Array(64);

await using nats = await startNats();
const bus = await connectBus({ config: { url: nats.url, name: 'bench' }, logger: quiet });

function filterOf(text: string): TopicFilter {
  const parsed = parseFilter(text);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}

/** Every receiver's topic in turn; resolves to the positions of each. */
function fill(on: Bus): Promise<number[][]> {
  const positions = Array.from({ length: RECEIVERS }, (): number[] => []);
  const count = RECEIVERS * WANTED;
  return new Promise((resolve) => {
    let sent = 0;
    let stored = 0;
    const sink = {
      stored(token: number, pos: number) {
        positions[token % RECEIVERS]!.push(pos);
        if (++stored === count) resolve(positions);
        else send();
      },
      failed: (_token: number, code: string) => {
        throw new Error(code);
      },
    };
    const send = (): void => {
      if (sent < count)
        on.publisher.durable(`tv1.m.1.bench.r.${sent % RECEIVERS}`, payload, undefined, sink, sent++);
    };
    for (let i = 0; i < 2_000; i++) send();
  });
}

interface Result {
  seconds: number;
  cpuSeconds: number;
  perSecond: number;
}

async function measure(run: () => Promise<void>): Promise<Result> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await run();
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    seconds: Number(seconds.toFixed(2)),
    cpuSeconds: Number(((user + system) / 1e6).toFixed(2)),
    perSecond: Math.round((RECEIVERS * WANTED) / seconds),
  };
}

async function comeBack(after: number, askOf: (receiver: number) => AttachOptions['ask']): Promise<void> {
  const delivery = createDelivery({ bus, logger: quiet });
  await new Promise<void>((resolve) => {
    let open = RECEIVERS;
    for (let i = 0; i < RECEIVERS; i++) {
      let seen = 0;
      const ask = askOf(i);
      const attachment = delivery.attach(
        {
          id: String(i),
          onLive: () => {},
          onDurable() {
            if (++seen === WANTED && --open === 0) resolve();
            return true;
          },
        },
        ask === undefined ? { after } : { after, ask },
      );
      void attachment.subscribe([{ filter: filterOf(`r/${i}`), qos: 1 }]);
    }
  });
  delivery.close();
}

/** Takes a window, and more when half of it was acknowledged in a later turn. */
async function oneInWindows(after: number): Promise<void> {
  const delivery = createDelivery({ bus, logger: quiet });
  await new Promise<void>((resolve) => {
    let seen = 0;
    let open = 0;
    const attachment: Attachment = delivery.attach(
      {
        id: 'one',
        onLive: () => {},
        onDurable() {
          if (open === WINDOW) {
            setImmediate(acknowledge);
            return false;
          }
          open++;
          if (++seen === RECEIVERS * WANTED) resolve();
          return true;
        },
      },
      { after },
    );
    const acknowledge = (): void => {
      open = WINDOW / 2;
      attachment.resume();
    };
    void attachment.subscribe([{ filter: filterOf('r/#'), qos: 1 }]);
  });
  delivery.close();
}

const after = await bus.lastPos('MESSAGES');
const positions = await fill(bus);
const known = (receiver: number): AttachOptions['ask'] => {
  const answer = (from: number, upTo: number): Promise<KnownPositions> =>
    Promise.resolve({ from, through: upTo, positions: positions[receiver]! });
  return answer;
};

const scan = await measure(() => comeBack(after, () => undefined));
const byPositions = await measure(() => comeBack(after, known));
const windowed = await measure(() => oneInWindows(after));
console.log(JSON.stringify({ scan, positions: byPositions, windowed }, undefined, 2));
await bus.close();
