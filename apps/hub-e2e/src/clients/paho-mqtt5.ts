import { fileURLToPath } from 'node:url';
import { startProcess, waitFor } from '@trivium/testing';
import { installed } from './installed.ts';

const SCRIPT = fileURLToPath(new URL('paho-mqtt5.py', import.meta.url));
const python = installed('python3-paho');

/** What happened to the client; `properties` by paho's names. */
export interface PahoEvent {
  readonly on: 'connected' | 'subscribed' | 'unsubscribed' | 'published' | 'message' | 'disconnected';
  readonly properties: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** A process with one paho client of MQTT 5. */
export interface PahoMqtt5 extends AsyncDisposable {
  /** As `paho-mqtt5.py` says. */
  do(what: string, fields?: Readonly<Record<string, unknown>>): void;
  /** The next event of that kind that was not taken yet. */
  take(on: PahoEvent['on']): Promise<PahoEvent>;
  /** Events of that kind that were not taken. */
  left(on: PahoEvent['on']): PahoEvent[];
}

export async function pahoMqtt5(address: { host: string; port: number }, id: string): Promise<PahoMqtt5> {
  const args = [SCRIPT, address.host, String(address.port), id];
  const client = await startProcess({ command: await python(), args });
  const taken = new Set<number>();
  const events = (): PahoEvent[] =>
    client
      .stdout()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as PahoEvent);
  const next = (on: PahoEvent['on']): number =>
    events().findIndex((event, i) => event.on === on && !taken.has(i));
  return {
    do: (what, fields = {}) => client.write(JSON.stringify({ do: what, ...fields }) + '\n'),
    async take(on) {
      await waitFor(() => next(on) >= 0, { message: () => `${on}: ${client.output()}`, timeoutMs: 30_000 });
      const found = next(on);
      taken.add(found);
      return events()[found]!;
    },
    left: (on) => events().filter((event, i) => event.on === on && !taken.has(i)),
    [Symbol.asyncDispose]: async () => void (await client.stop()),
  };
}
