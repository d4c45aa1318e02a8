import { fileURLToPath } from 'node:url';
import { startProcess, type StartedProcess } from '@trivium/testing';
import type { PublishingDoor, Received, SubscribingDoor, TestQoS } from './client.ts';
import { installed } from './installed.ts';
import { printedLines } from './printed-lines.ts';
import type { SessionClient } from './session-client.ts';

const SCRIPT = fileURLToPath(new URL('paho-client.py', import.meta.url));

export function pahoPublisher(): PublishingDoor {
  const python = installed('python3-paho');
  return {
    name: 'paho (Python)',
    qos: [0, 1, 2],
    async publish(hub, messages) {
      const args = [SCRIPT, 'pub', hub.host, String(hub.mqtt)];
      await using pub = await startProcess({ command: await python(), args });
      for (const { topic, payload, qos, retain = false } of messages)
        pub.write(JSON.stringify({ topic, hex: Buffer.from(payload).toString('hex'), qos, retain }) + '\n');
      pub.closeInput();
      await pub.exited;
      if (!pub.stdout().includes('done')) throw new Error(`paho did not finish: ${pub.output()}`);
    },
  };
}

export function pahoSubscriber(): SubscribingDoor {
  const python = installed('python3-paho');
  return {
    name: 'paho (Python)',
    qos: [0, 1, 2],
    async subscribe(hub, filter, qos) {
      const sub = await startSub(await python(), hub.host, hub.mqtt, filter, qos);
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

/** It subscribes only when the hub has no session for it: what comes without that comes of the session. */
export function pahoSession(): SessionClient {
  const python = installed('python3-paho');
  return {
    name: 'paho (Python)',
    async open({ host, port, id, filter, qos }) {
      const sub = await startSub(await python(), host, port, filter, qos, id);
      const received = receivedBy(sub);
      return {
        present: sub.stdout().includes(`ready ${qos} 1\n`),
        get received() {
          return received();
        },
        async leave() {
          sub.closeInput();
          await sub.exited;
        },
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
  id?: string,
): Promise<StartedProcess> {
  const args = [SCRIPT, 'sub', host, String(port), filter, String(qos), ...(id === undefined ? [] : [id])];
  const sub = await startProcess({ command, args, ready: /^ready \d+ \d\n/m });
  if (!sub.stdout().includes(`ready ${qos} `)) throw new Error(`not granted ${qos}: ${sub.output()}`);
  return sub;
}

function receivedBy(sub: StartedProcess): () => readonly Received[] {
  return printedLines(sub.stdout, (line) => {
    if (!line.startsWith('{')) return undefined;
    const { topic, hex, qos, retain } = JSON.parse(line) as Omit<Received, 'payload'> & { hex: string };
    return { topic, payload: Buffer.from(hex, 'hex'), qos, retain };
  });
}
