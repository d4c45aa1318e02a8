import { describe, expect, it } from 'vitest';
import { planHub } from './plan.ts';
import { conflicts } from './port-check.ts';
import { readyScreen, type ScreenFacts } from './screen.ts';
import { SERVICES } from './service-table.ts';
import { readSettings } from './settings.ts';

function plan(env: Record<string, string> = {}, scale: Record<string, number> = {}, file?: string) {
  const settings = readSettings(env, file === undefined ? undefined : { name: 'trivium.yaml', text: file });
  return planHub({
    ...{ root: '/hub', node: '/node', natsServer: '/nats-server', env, settings, services: SERVICES },
    scale: new Map(Object.entries(scale)),
  });
}

const screenOf = (made: ReturnType<typeof plan>, facts: Partial<ScreenFacts> = {}) =>
  readyScreen(made, { tookMs: 1, authRequired: false, key: undefined, ...facts });

const ports = (made: ReturnType<typeof plan>) =>
  Object.fromEntries(made.processes.map(({ name, listeners }) => [name, listeners.map(({ port }) => port)]));

describe('the plan of a hub', () => {
  it('has the addresses of the architecture', () => {
    const made = plan();
    expect(ports(made)).toEqual({
      'nats-server': [4222, 8222],
      'mqtt-ingress': [1883, 9101],
      'ws-ingress': [8083, 9102],
      'http-ingress': [8080, 9103],
      router: [9104],
      'mqtt-ingress-aedes': [1884, 9105],
    });
    expect(made.processes.every(({ listeners }) => listeners.every(({ host }) => host === '127.0.0.1'))).toBe(
      true,
    );
    expect(made.dataDir).toBe('/hub/.trivium');
  });

  it('shifts every default port and the data by the offset, but not what is set', () => {
    const made = plan({ TRIVIUM_PORT_OFFSET: '20000', TRIVIUM_WS_PORT: '81' });
    expect(ports(made)).toEqual({
      'nats-server': [24222, 28222],
      'mqtt-ingress': [21883, 29101],
      'ws-ingress': [81, 29102],
      'http-ingress': [28080, 29103],
      router: [29104],
      'mqtt-ingress-aedes': [21884, 29105],
    });
    expect(made.natsUrl).toBe('nats://127.0.0.1:24222');
    expect(made.dataDir).toBe('/hub/.trivium/offset-20000');
  });

  it('gives process n ports higher by 10·n, admin too, and tells it so', () => {
    const made = plan({}, { 'mqtt-ingress': 3, 'ws-ingress': 0 });
    expect(ports(made)).toMatchObject({
      'mqtt-ingress': [1883, 9101],
      'mqtt-ingress-1': [1893, 9111],
      'mqtt-ingress-2': [1903, 9121],
    });
    expect(made.processes.map(({ name }) => name)).not.toContain('ws-ingress');
    expect(made.processes.find(({ name }) => name === 'mqtt-ingress-2')?.command.env).toMatchObject({
      TRIVIUM_MQTT_PORT: '1903',
      TRIVIUM_ADMIN_PORT: '9121',
      TRIVIUM_NATS_URL: 'nats://127.0.0.1:4222',
      TRIVIUM_DATA_DIR: '/hub/.trivium',
      TRIVIUM_PARENT: 'ipc',
    });
  });

  it('has the port of HTTPS when there is a certificate, and shows it', () => {
    const made = plan({ TRIVIUM_HTTP_TLS_CERT: 'c.pem', TRIVIUM_PORT_OFFSET: '100' }, { 'http-ingress': 2 });
    expect(ports(made)).toMatchObject({
      'http-ingress': [8180, 8543, 9203],
      'http-ingress-1': [8190, 8553, 9213],
    });
    const [first, second] = made.processes.filter(({ name }) => name.startsWith('http-ingress'));
    expect(first?.command.env).toMatchObject({
      TRIVIUM_HTTP_TLS_PORT: '8543',
      TRIVIUM_HTTP_TLS_CERT: 'c.pem',
    });
    expect(second?.command.env).toMatchObject({ TRIVIUM_HTTP_TLS_PORT: '8553' });
    expect(screenOf(made)).toMatch(/http-ingress +http:\/\/127.0.0.1:8180, https:\/\/127.0.0.1:8543\n/);
    expect(screenOf(plan())).not.toContain('https:');
  });

  it('has ports of TLS at every door when there is a certificate for all, and shows them', () => {
    const made = plan({ TRIVIUM_TLS_CERT: 'c.pem', TRIVIUM_PORT_OFFSET: '100', TRIVIUM_WS_TLS_PORT: '444' });
    expect(ports(made)).toMatchObject({
      'mqtt-ingress': [1983, 8983, 9201],
      'ws-ingress': [8183, 444, 9202],
      'http-ingress': [8180, 8543, 9203],
      'mqtt-ingress-aedes': [1984, 8984, 9205],
    });
    const aedes = made.processes.find(({ name }) => name === 'mqtt-ingress-aedes');
    expect(aedes?.command.env).toMatchObject({ TRIVIUM_MQTT_TLS_PORT: '8984' });
    const screen = screenOf(made);
    for (const address of ['mqtts://127.0.0.1:8983', 'wss://127.0.0.1:444', 'https://127.0.0.1:8543'])
      expect(screen).toContain(address);
  });

  it('runs the aedes door with its own port and engine', () => {
    const aedes = plan().processes.find(({ name }) => name === 'mqtt-ingress-aedes');
    expect(aedes?.command.env).toMatchObject({ TRIVIUM_MQTT_ENGINE: 'aedes', TRIVIUM_MQTT_PORT: '1884' });
    expect(aedes?.command.args).toEqual(['/hub/apps/mqtt-ingress/src/main.ts']);
  });

  it('gives each service the path of its own key, never a key, and none for a foreign NATS', () => {
    const keys = plan().processes.map(({ name, command }) => [name, command.env['TRIVIUM_NATS_NKEY_FILE']]);
    expect(Object.fromEntries(keys)).toEqual({
      'nats-server': undefined,
      'mqtt-ingress': '/hub/.trivium/nats/keys/mqtt-ingress.nk',
      'ws-ingress': '/hub/.trivium/nats/keys/ws-ingress.nk',
      'http-ingress': '/hub/.trivium/nats/keys/http-ingress.nk',
      router: '/hub/.trivium/nats/keys/router.nk',
      'mqtt-ingress-aedes': '/hub/.trivium/nats/keys/mqtt-ingress.nk',
    });
    const foreign = plan({ TRIVIUM_NATS_URL: 'nats://elsewhere:4222', TRIVIUM_NATS_NKEY_FILE: '/site.nk' });
    expect(foreign.processes[0]?.command.env).toMatchObject({ TRIVIUM_NATS_NKEY_FILE: '/site.nk' });
  });

  it('uses a foreign NATS instead of starting one', () => {
    const made = plan({ TRIVIUM_NATS_URL: 'nats://elsewhere:4222' });
    expect(made.processes.map(({ name }) => name)).not.toContain('nats-server');
    expect(made.processes[0]?.command.env).toMatchObject({ TRIVIUM_NATS_URL: 'nats://elsewhere:4222' });
  });

  it('reads trivium.yaml, leaving to the services what is theirs, and the environment over it', () => {
    const file =
      'mqtt: { port: 2883, maxPacketBytes: 1000 }\nup: { aedesPort: 2884 }\nidentity: { x: 1 }\nws: { port: 1 }\n';
    const made = plan({ TRIVIUM_WS_PORT: '8183', TRIVIUM_MQTT_MAX_PACKET_BYTES: '5' }, {}, file);
    expect(ports(made)).toMatchObject({
      'mqtt-ingress': [2883, 9101],
      'mqtt-ingress-aedes': [2884, 9105],
      'ws-ingress': [8183, 9102],
    });
    expect(made.processes.at(-1)?.command.env).toMatchObject({ TRIVIUM_MQTT_MAX_PACKET_BYTES: '5' });
  });

  it('finds two processes on one port', () => {
    const made = plan({ TRIVIUM_HTTP_PORT: '1884' });
    const found = conflicts(made.processes.flatMap(({ listeners }) => listeners));
    expect(found).toEqual([
      'http-ingress (HTTP) and mqtt-ingress-aedes (MQTT) would both use 1884; set TRIVIUM_UP_AEDES_PORT',
    ]);
  });

  it('asks a service that listens everywhere by loopback', () => {
    const made = plan({ TRIVIUM_ADMIN_HOST: '::', TRIVIUM_HTTP_HOST: '0.0.0.0' });
    const http = made.processes.find(({ name }) => name === 'http-ingress');
    expect(http?.readyUrl).toBe('http://[::1]:9103/readyz');
    expect(http?.address).toBe('http://127.0.0.1:8080');
  });
});

describe('the screen', () => {
  it('has commands with the real ports', () => {
    const screen = screenOf(plan({ TRIVIUM_PORT_OFFSET: '1000' }), { tookMs: 1234 });
    expect(screen).toContain("mosquitto_sub -h 127.0.0.1 -p 2883 -q 1 -v -t 'demo/#'");
    expect(screen).toContain('mosquitto_pub -h 127.0.0.1 -p 2883');
    expect(screen).toContain("curl -N 'http://127.0.0.1:9080/v1/stream?filter=demo/%23'");
    expect(screen).toContain("new WebSocket('ws://127.0.0.1:9083', 'trivium.v1')");
    expect(screen.split('\n').length).toBeLessThan(40);
  });

  it('says who is let in and how to change it', () => {
    expect(screenOf(plan())).toMatch(
      /loopback only, and lets anyone in(.|\n)*TRIVIUM_AUTH_REQUIRED=true npm start/,
    );
    const required = screenOf(plan(), { authRequired: true });
    expect(required).not.toMatch(/anyone/);
    expect(required).toContain('npx trivium devices create');
    expect(required).toContain("-u sensor-1 -P '<password>'");
  });

  it('shows the key of an administrator when there is one', () => {
    expect(screenOf(plan())).not.toMatch(/administrator/);
    const screen = screenOf(plan(), { key: 'tvk_a_b' });
    expect(screen).toContain("curl -H 'Authorization: Bearer tvk_a_b' http://127.0.0.1:8080/v1/devices");
    expect(screen.split('\n').length).toBeLessThan(40);
  });

  it('leaves out the commands of doors that do not run', () =>
    expect(screenOf(plan({}, { 'http-ingress': 0, 'ws-ingress': 0 }))).not.toMatch(/curl|WebSocket/));
});
