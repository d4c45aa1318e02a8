import { fileURLToPath } from 'node:url';
import { startProcess, type StartedProcess } from '@trivium/testing';
import { installed } from './installed.ts';

const PAHO = fileURLToPath(new URL('paho-client.py', import.meta.url));
const python = installed('python3-paho');
const mosquittoPub = installed('mosquitto_pub');
const mosquittoSub = installed('mosquitto_sub');

/** Where a device connects to, and by what it says who it is. Files are PEM. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  /** TLS, when it is there. */
  readonly cafile?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** A program that devices are tried with. */
export interface DeviceTool {
  readonly name: string;
  /** Publishes one message at QoS 1; resolves to whether the program says that it has. */
  publish(login: Login, topic: string, text: string): Promise<boolean>;
  /** Resolves when it is subscribed; rejects when the program ends before. It prints what comes. */
  subscribe(login: Login, filter: string): Promise<Listening>;
}

export interface Listening extends AsyncDisposable {
  readonly process: StartedProcess;
  heard(text: string): boolean;
}

const listening = (process: StartedProcess, shown: (text: string) => string): Listening => ({
  process,
  heard: (text) => process.stdout().includes(shown(text)),
  [Symbol.asyncDispose]: async () => void (await process.stop()),
});

function mosquittoArgs({ host, port, username, password, cafile, cert, key }: Login): string[] {
  const options = { '-u': username, '-P': password, '--cafile': cafile, '--cert': cert, '--key': key };
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [name, value],
  );
  return ['-h', host, '-p', String(port), '-q', '1', ...given];
}

const mosquitto: DeviceTool = {
  name: 'mosquitto',
  async publish(login, topic, text) {
    const args = [...mosquittoArgs(login), '-t', topic, '-m', text];
    await using pub = await startProcess({ command: await mosquittoPub(), args });
    return (await pub.exited).code === 0;
  },
  async subscribe(login, filter) {
    // Its own log of the SUBACK is the only sign that it has subscribed; without stdbuf it sits in a buffer.
    const args = ['-oL', await mosquittoSub(), ...mosquittoArgs(login), '-t', filter, '-d'];
    return listening(
      await startProcess({ command: 'stdbuf', args, ready: /Subscribed \(mid: 1\)/ }),
      (text) => text,
    );
  },
};

/** Its script prints payloads in hexadecimal. */
const paho: DeviceTool = {
  name: 'paho (Python)',
  async publish({ host, port, ...login }, topic, text) {
    const args = [PAHO, 'pub', host, String(port)];
    const env = { PAHO_LOGIN: JSON.stringify(login) };
    await using pub = await startProcess({ command: await python(), args, env });
    const hex = Buffer.from(text).toString('hex');
    pub.write(`${JSON.stringify({ topic, hex, qos: 1, retain: false })}\n`);
    pub.closeInput();
    await pub.exited;
    return pub.stdout().includes('done');
  },
  async subscribe({ host, port, ...login }, filter) {
    const args = [PAHO, 'sub', host, String(port), filter, '1'];
    const env = { PAHO_LOGIN: JSON.stringify(login) };
    return listening(
      await startProcess({ command: await python(), args, env, ready: /^ready 1 /m }),
      (text) => `"${Buffer.from(text).toString('hex')}"`,
    );
  },
};

export const DEVICE_TOOLS: readonly DeviceTool[] = [mosquitto, paho];
