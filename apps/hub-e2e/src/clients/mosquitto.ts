import { outsideClient, startProcess } from '@trivium/testing';
import type { PublishingDoor, Received, SubscribingDoor } from './client.ts';

/** `mosquitto_pub`: one process a message, the payload (text) by standard input. */
export function mosquittoPublisher(): PublishingDoor {
  return {
    name: 'mosquitto_pub',
    textOnly: true,
    qos: [0, 1],
    async publish(hub, messages) {
      const { command } = await needed('mosquitto_pub');
      for (const { topic, payload, qos } of messages) {
        const body = payload.length === 0 ? '-n' : '-s';
        const args = ['-h', hub.host, '-p', String(hub.mqtt), '-t', topic, '-q', String(qos), body];
        await using pub = await startProcess({ command, args });
        pub.write(Buffer.from(payload).toString());
        pub.closeInput();
        const exit = await pub.exited;
        if (exit.code !== 0) throw new Error(`mosquitto_pub ended with ${exit.code}: ${pub.output()}`);
      }
    },
  };
}

/** `mosquitto_sub`, printing each message as topic, QoS and payload in hexadecimal. */
export function mosquittoSubscriber(): SubscribingDoor {
  return {
    name: 'mosquitto_sub',
    qos: [0, 1],
    async subscribe(hub, filter, qos) {
      const { command } = await needed('mosquitto_sub');
      const where = ['-h', hub.host, '-p', String(hub.mqtt), '-t', filter, '-q', String(qos)];
      // Its own log of the SUBACK is the only sign that it has subscribed; without stdbuf it sits in a buffer.
      const args = ['-oL', command, ...where, '-d', '-F', 'message %q %x %t'];
      const sub = await startProcess({ command: 'stdbuf', args, ready: /Subscribed \(mid: 1\): / });
      if (!sub.output().includes(`Subscribed (mid: 1): ${qos}`))
        throw new Error(`not granted ${qos}: ${sub.output()}`);
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
  return [...output.matchAll(/^message (\d) ([0-9a-f]*) (.*)$/gm)].map(([, qos, hex, topic]) => ({
    topic: topic!,
    payload: Buffer.from(hex!, 'hex'),
    qos: Number(qos),
  }));
}

async function needed(name: 'mosquitto_pub' | 'mosquitto_sub'): Promise<{ command: string }> {
  const client = await outsideClient(name);
  if (client === undefined) throw new Error(`${name} is not installed`);
  return client;
}
