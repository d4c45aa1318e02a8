import { fileURLToPath } from 'node:url';
import { outsideClient, startProcess } from '@trivium/testing';
import type { PublishingDoor, Received, SubscribingDoor } from './client.ts';

const SCRIPT = fileURLToPath(new URL('paho-client.py', import.meta.url));

export function pahoPublisher(): PublishingDoor {
  return {
    name: 'paho (Python)',
    qos: [0, 1],
    async publish(hub, messages) {
      const args = [SCRIPT, 'pub', hub.host, String(hub.mqtt)];
      await using pub = await startProcess({ command: await python(), args });
      for (const { topic, payload, qos } of messages)
        pub.write(JSON.stringify({ topic, hex: Buffer.from(payload).toString('hex'), qos }) + '\n');
      pub.closeInput();
      await pub.exited;
      if (!pub.stdout().includes('done')) throw new Error(`paho did not finish: ${pub.output()}`);
    },
  };
}

export function pahoSubscriber(): SubscribingDoor {
  return {
    name: 'paho (Python)',
    qos: [0, 1],
    async subscribe(hub, filter, qos) {
      const args = [SCRIPT, 'sub', hub.host, String(hub.mqtt), filter, String(qos)];
      const sub = await startProcess({ command: await python(), args, ready: /^ready \d+\n/m });
      if (!sub.stdout().includes(`ready ${qos}\n`)) throw new Error(`not granted ${qos}: ${sub.output()}`);
      return {
        get received() {
          return lines(sub.stdout());
        },
        [Symbol.asyncDispose]: async () => void (await sub.stop()),
      };
    },
  };
}

function lines(output: string): Received[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => {
      const { topic, hex, qos } = JSON.parse(line) as { topic: string; hex: string; qos: number };
      return { topic, payload: Buffer.from(hex, 'hex'), qos };
    });
}

async function python(): Promise<string> {
  const client = await outsideClient('python3-paho');
  if (client === undefined) throw new Error('python3-paho-mqtt is not installed');
  return client.command;
}
