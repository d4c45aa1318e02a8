import { startNats, waitFor } from '@trivium/testing';
import { expect, it } from 'vitest';
import type { Logger } from './config.ts';
import { connectBus } from './connect-bus.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

it('several readers of a long backlog on one connection are not cut off while they read', async () => {
  // For what waits for them: how soon NATS gives up on a write is a matter of how busy the machine is.
  await using nats = await startNats({ extraConfig: 'write_deadline: "60s"\n' });
  const bus = await connectBus({ config: { url: nats.url, name: 'test' }, logger: quiet });
  const payload = new Uint8Array(100_000);
  const total = 1_000;
  for (let i = 0; i < total; i += 100)
    await Promise.all(Array.from({ length: 100 }, () => bus.publisher.store('tv1.m.1.c.a', payload)));
  const read = [0, 0, 0];
  const followers = read.map((_, i) =>
    bus.follow({
      stream: 'MESSAGES',
      after: 0,
      onMessage(pos) {
        read[i] = pos;
        // Slower than NATS sends.
        for (const end = performance.now() + 0.3; performance.now() < end;);
      },
    }),
  );
  await waitFor(() => read.every((pos) => pos === total), { timeoutMs: 90_000 });
  expect(bus.stats.reconnects).toBe(0);
  for (const follower of followers) follower.close();
  await bus.close();
});
