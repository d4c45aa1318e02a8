import { outsideClient, startNats, startProcess, waitFor } from '@trivium/testing';
import { expect, it } from 'vitest';
import { startDoor, startOtherDoor } from './door.fixture.ts';

const [publisher, subscriber] = await Promise.all([
  outsideClient('mosquitto_pub'),
  outsideClient('mosquitto_sub'),
]);

it.runIf(publisher && subscriber).each([0, 1] as const)(
  'mosquitto_pub and mosquitto_sub, QoS %i',
  async (qos) => {
    await using nats = await startNats();
    await using fixture = await startDoor(nats.url);
    await using other = await startOtherDoor(nats.url);
    const seen = await other.collect('m/#');
    const address = ['-h', '127.0.0.1', '-p', String(fixture.port), '-q', String(qos)];
    await using sub = await startProcess({
      command: subscriber!.command,
      args: [...address, '-t', 'm/#', '-F', '%t %p q%q', '-C', '2'],
      ready: () => fixture.door.stats.subscribes === 1,
    });
    // -r asks for what is refused; without it the message arrives.
    const refused = await startProcess({
      command: publisher!.command,
      args: [...address, '-t', 'm/r', '-m', 'x', '-r'],
    });
    await refused.exited;
    for (const text of ['one', 'two']) {
      const pub = await startProcess({
        command: publisher!.command,
        args: [...address, '-t', 'm/a', '-m', text],
      });
      expect(await pub.exited).toEqual({ code: 0, signal: null });
    }
    expect(await sub.exited).toEqual({ code: 0, signal: null });
    expect(sub.stdout()).toBe(`m/a one q${qos}\nm/a two q${qos}\n`);
    await waitFor(() => seen.length === 2);
    expect(seen).toEqual([`m/a one q${qos}`, `m/a two q${qos}`]);
  },
);
