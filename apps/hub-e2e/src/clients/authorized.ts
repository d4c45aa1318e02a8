import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { HubAddresses } from '../hub.ts';
import { connectMqtt } from './mqtt-js.ts';

export interface Login {
  readonly user: string;
  readonly password: string;
  readonly clientId?: string;
}

/** A client of one door that says who it is. */
export interface AuthorizedClient extends AsyncDisposable {
  /** False: the door said that it may not. A door whose protocol cannot say so says true. */
  publish(topic: string, options?: { retain?: boolean; qos?: 0 | 1 }): Promise<boolean>;
  subscribe(filter: string): Promise<boolean>;
  /** Topics of what came, in their order. */
  readonly received: readonly string[];
  /** The status or code of the answer; undefined: the protocol has no commands. */
  command?(device: string, name: string): Promise<string>;
  /** The connection has been ended by the door. */
  readonly ended: boolean;
}

export interface AuthorizedDoor {
  readonly name: string;
  readonly retains: boolean;
  /** A publish that is not allowed is answered as such. */
  readonly saysNo: boolean;
  /** Rejects when the login is refused. */
  open(hub: HubAddresses, login: Login | undefined): Promise<AuthorizedClient>;
}

function mqttDoor(
  name: string,
  address: (hub: HubAddresses) => string,
  { version, retains = true }: { version: 4 | 5; retains?: boolean },
): AuthorizedDoor {
  return {
    name,
    retains,
    saysNo: version === 5,
    async open(hub, login) {
      const who =
        login === undefined
          ? {}
          : { username: login.user, password: login.password, clientId: login.clientId ?? login.user };
      const client = await connectMqtt(address(hub), { protocolVersion: version, ...who });
      const received: string[] = [];
      let ended = false;
      client.on('message', (topic) => received.push(topic));
      client.on('close', () => (ended = true));
      client.on('error', () => undefined);
      return {
        received,
        get ended() {
          return ended;
        },
        publish: (topic, { retain = false, qos = 1 } = {}) =>
          Promise.race([
            client.publishAsync(topic, topic, { qos, retain }).then(
              () => true,
              () => false,
            ),
            new Promise<boolean>((resolve) => client.once('close', () => resolve(false))),
          ]),
        subscribe: (filter) =>
          client.subscribeAsync(filter, { qos: 1 }).then(
            ([granted]) => (granted?.qos ?? 128) < 128,
            () => false,
          ),
        [Symbol.asyncDispose]: () => client.endAsync(true),
      };
    },
  };
}

const basic = ({ user, password }: Login): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const triviumDoor: AuthorizedDoor = {
  name: 'trivium.v1',
  retains: true,
  saysNo: true,
  async open(hub, login) {
    const query = login?.clientId === undefined ? '' : `?clientId=${encodeURIComponent(login.clientId)}`;
    const headers = login === undefined ? {} : { authorization: basic(login) };
    const socket = new WebSocket(`ws://${hub.host}:${hub.ws}/${query}`, 'trivium.v1', { headers });
    const received: string[] = [];
    const waiting = new Map<number, (frame: Record<string, unknown>) => void>();
    let ended = false;
    const hello = Promise.withResolvers<void>();
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Record<string, unknown>;
      if (frame['op'] === 'ok' && frame['clientId'] !== undefined) hello.resolve();
      else if (frame['op'] === 'msg') received.push(String(frame['topic']));
      else waiting.get(Number(frame['id']))?.(frame);
    });
    socket.on('error', (error) => hello.reject(error));
    socket.on('close', (code) => {
      ended = true;
      hello.reject(new Error(`closed with ${code}`));
    });
    // Without credentials the door waits for them, and says nothing.
    if (login === undefined) socket.once('open', () => socket.send('{"op":"ping","id":0}'));
    await hello.promise;
    let ids = 0;
    const ask = (frame: object): Promise<Record<string, unknown>> =>
      new Promise((resolve) => {
        const id = ++ids;
        waiting.set(id, resolve);
        socket.send(JSON.stringify({ ...frame, id }));
      });
    return {
      received,
      get ended() {
        return ended;
      },
      publish: async (topic, { retain = false, qos = 1 } = {}) =>
        (await ask({ op: 'pub', topic, payload: topic, qos, retain }))['op'] === 'ok',
      subscribe: async (filter) => (await ask({ op: 'sub', filters: [{ filter, qos: 1 }] }))['op'] === 'ok',
      command: async (device, name) => {
        const answer = await ask({ op: 'cmd', device, name, payload: 1, timeoutMs: 10_000 });
        return String(answer['op'] === 'reply' ? 'reply' : answer['code']);
      },
      async [Symbol.asyncDispose]() {
        if (ended) return;
        socket.close();
        await once(socket, 'close');
      },
    };
  },
};

const httpDoor: AuthorizedDoor = {
  name: 'HTTP',
  retains: true,
  saysNo: true,
  async open(hub, login) {
    const url = `http://${hub.host}:${hub.http}`;
    const headers: Record<string, string> = {
      ...(login === undefined ? {} : { authorization: basic(login) }),
      ...(login?.clientId === undefined ? {} : { 'x-client-id': login.clientId }),
    };
    const entry = await fetch(
      `${url}/v1/devices/${encodeURIComponent(login?.clientId ?? login?.user ?? 'me')}`,
      { headers },
    );
    if (entry.status === 401 || entry.status === 403) throw new Error(`refused: ${entry.status}`);
    const received: string[] = [];
    const gone = new AbortController();
    let ended = false;
    const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
      let text = '';
      for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
          const data = /^data: ?(.*)$/m.exec(text.slice(0, end))?.[1];
          text = text.slice(end + 2);
          if (data !== undefined) received.push((JSON.parse(data) as { topic: string }).topic);
        }
      }
    };
    return {
      received,
      get ended() {
        return ended;
      },
      async publish(topic, { retain = false, qos = 1 } = {}) {
        const at = `${url}/topics/${encodeURIComponent(topic)}?qos=${qos}&retain=${retain}`;
        const { status } = await fetch(at, { method: 'POST', headers, body: topic });
        if (status !== 200 && status !== 403) throw new Error(`publish answered ${status}`);
        return status === 200;
      },
      async subscribe(filter) {
        const at = `${url}/v1/stream?filter=${encodeURIComponent(filter)}&qos=1&retained=true`;
        const response = await fetch(at, { headers, signal: gone.signal });
        // 501: streams have no shared subscriptions.
        if (response.status === 403 || response.status === 501) return false;
        if (response.status !== 200) throw new Error(`stream answered ${response.status}`);
        void read(response.body!).then(
          () => (ended = true),
          () => (ended = true),
        );
        return true;
      },
      async command(device, name) {
        const at = `${url}/v1/devices/${encodeURIComponent(device)}/commands/${name}?timeout=10s`;
        const { status } = await fetch(at, { method: 'POST', headers, body: '1' });
        return status === 200 ? 'reply' : String(status);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(gone.abort()),
    };
  },
};

/** Every door at which a client says who it is. */
export const AUTHORIZED_DOORS: readonly AuthorizedDoor[] = [
  mqttDoor('MQTT 5', ({ host, mqtt }) => `mqtt://${host}:${mqtt}`, { version: 5 }),
  mqttDoor('MQTT 3.1.1', ({ host, mqtt }) => `mqtt://${host}:${mqtt}`, { version: 4 }),
  mqttDoor('MQTT 5 over WebSocket', ({ host, ws }) => `ws://${host}:${ws}/mqtt`, { version: 5 }),
  mqttDoor('aedes', ({ host, aedes }) => `mqtt://${host}:${aedes}`, { version: 4, retains: false }),
  triviumDoor,
  httpDoor,
];
