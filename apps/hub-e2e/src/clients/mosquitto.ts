import { startProcess, type StartedProcess } from '@trivium/testing';
import type { PublishingDoor, Received, SubscribingDoor, TestQoS } from './client.ts';
import { installed } from './installed.ts';
import { printedLines } from './printed-lines.ts';
import type { SessionClient } from './session-client.ts';

/** `mosquitto_pub`: one process a message, the payload (text) by standard input. */
export function mosquittoPublisher(): PublishingDoor {
  const mosquittoPub = installed('mosquitto_pub');
  return {
    name: 'mosquitto_pub',
    textOnly: true,
    qos: [0, 1, 2],
    async publish(hub, messages) {
      const command = await mosquittoPub();
      for (const { topic, payload, qos, retain } of messages) {
        const body = payload.length === 0 ? '-n' : '-s';
        const args = ['-h', hub.host, '-p', String(hub.mqtt), '-t', topic, '-q', String(qos), body];
        if (retain === true) args.push('-r');
        await using pub = await startProcess({ command, args });
        pub.write(Buffer.from(payload).toString());
        pub.closeInput();
        const exit = await pub.exited;
        if (exit.code !== 0) throw new Error(`mosquitto_pub ended with ${exit.code}: ${pub.output()}`);
      }
    },
  };
}

/** `mosquitto_sub`, printing each message as topic, QoS, retain flag and payload in hexadecimal. */
export function mosquittoSubscriber(): SubscribingDoor {
  const mosquittoSub = installed('mosquitto_sub');
  return {
    name: 'mosquitto_sub',
    qos: [0, 1, 2],
    async subscribe(hub, filter, qos) {
      const sub = await startSub(await mosquittoSub(), hub.host, hub.mqtt, filter, qos);
      const received = receivedBy(sub);
      return {
        get received() {
          return received();
        },
        [Symbol.asyncDispose]: async () => void (await sub.stop()),
      };
    },
  };
}

/** `mosquitto_sub -c`. It subscribes each time it connects; that it did is all it tells of its session. */
export function mosquittoSession(): SessionClient {
  const mosquittoSub = installed('mosquitto_sub');
  return {
    name: 'mosquitto_sub',
    async open({ host, port, id, filter, qos }) {
      const sub = await startSub(await mosquittoSub(), host, port, filter, qos, ['-c', '-i', id]);
      const received = receivedBy(sub);
      return {
        present: undefined,
        get received() {
          return received();
        },
        // On SIGTERM it disconnects.
        leave: async () => void (await sub.stop()),
        drop: async () => void (await sub.kill('SIGKILL')),
      };
    },
  };
}

async function startSub(
  command: string,
  host: string,
  port: number,
  filter: string,
  qos: TestQoS,
  more: readonly string[] = [],
): Promise<StartedProcess> {
  const where = ['-h', host, '-p', String(port), '-t', filter, '-q', String(qos), ...more];
  // Its own log of the SUBACK is the only sign that it has subscribed; without stdbuf it sits in a buffer.
  const args = ['-oL', command, ...where, '-d', '-F', 'message %q %r %x %t'];
  const sub = await startProcess({ command: 'stdbuf', args, ready: /Subscribed \(mid: 1\): / });
  if (!sub.output().includes(`Subscribed (mid: 1): ${qos}`))
    throw new Error(`not granted ${qos}: ${sub.output()}`);
  return sub;
}

function receivedBy(sub: StartedProcess): () => readonly Received[] {
  return printedLines(sub.stdout, (line) => {
    const [, qos, retain, payload, topic] = /^message (\d) (\d) ([0-9a-f]*) (.*)$/.exec(line) ?? [];
    if (topic === undefined) return undefined;
    return { topic, payload: Buffer.from(payload!, 'hex'), qos: Number(qos), retain: retain === '1' };
  });
}
