import type { Plan } from './plan.ts';

export interface ScreenFacts {
  tookMs: number;
  authRequired: boolean;
  /** The key of an administrator, if this is the first start: shown this once. */
  key: string | undefined;
}

/** What `npm start` prints when the hub is ready: where it is and what to try first, to be copied as it is. */
export function readyScreen(plan: Plan, { tookMs, authRequired, key }: ScreenFacts): string {
  const at = (name: string) => plan.processes.find((one) => one.name === name)?.address;
  const doors = plan.processes.flatMap(({ name, address, tlsAddress }) =>
    address ? [`  ${name.padEnd(20)} ${[address, tlsAddress].filter(Boolean).join(', ')}`] : [],
  );
  const health = plan.processes.filter((one) => one.stopRank > 0).map((one) => new URL(one.readyUrl).host);
  const sections = [
    `Trivium is ready, after ${(tookMs / 1000).toFixed(1)} s. ${authRequired ? REQUIRED : OPEN}`,
    [
      ...doors,
      `  ${'NATS (internal)'.padEnd(20)} ${plan.natsUrl}`,
      `  ${'health, metrics'.padEnd(20)} ${health.join(', ')}`,
    ].join('\n'),
    key === undefined
      ? ''
      : section(
          'Key of an administrator, shown this once and kept nowhere (npx trivium keys create makes others)',
          [key, list(at('http-ingress'), key)],
        ),
    ...(authRequired ? withCredentials() : withoutCredentials()),
    `Logs: ${plan.dataDir}/logs   Data: ${plan.dataDir}\nCtrl-C drains and stops everything; a second Ctrl-C ends it at once.`,
  ];
  return `\n${sections.filter((text) => text !== '').join('\n\n')}\n`;

  function withoutCredentials(): string[] {
    return [
      section('Subscribe, each in a terminal of its own', [
        subscribeMqtt(at('mqtt-ingress')),
        subscribeHttp(at('http-ingress')),
      ]),
      section('Publish', [publishMqtt(at('mqtt-ingress')), publishHttp(at('http-ingress'))]),
      section("Both in a browser's console", browser(at('ws-ingress'))),
    ];
  }

  function withCredentials(): string[] {
    return [
      section('A device, whose password is shown once', ['npx trivium devices create sensor-1']),
      section('Publish as a device, and see it as an administrator', [
        publishMqtt(at('mqtt-ingress'), " -u sensor-1 -P '<password>'"),
        subscribeHttp(at('http-ingress'), " -H 'Authorization: Bearer <key>'"),
      ]),
    ];
  }
}

const REQUIRED = 'Everybody has to say who they are (TRIVIUM_AUTH_REQUIRED).';
const OPEN = `It listens on loopback only, and lets anyone in there without asking who it is;
TRIVIUM_AUTH_REQUIRED=true npm start lets in nobody without credentials.`;

function list(address: string | undefined, key: string): string | undefined {
  return address && `curl -H 'Authorization: Bearer ${key}' ${address}/v1/devices`;
}

function section(title: string, lines: readonly (string | undefined)[]): string {
  const known = lines.filter((line) => line !== undefined);
  return known.length === 0 ? '' : [`${title}:`, ...known.map((line) => `  ${line}`)].join('\n');
}

function subscribeMqtt(address: string | undefined): string | undefined {
  return address && `mosquitto_sub ${hostAndPort(address)} -q 1 -v -t 'demo/#'`;
}

function publishMqtt(address: string | undefined, who = ''): string | undefined {
  return address && `mosquitto_pub ${hostAndPort(address)}${who} -q 1 -t demo/hello -m 'hello over MQTT'`;
}

function hostAndPort(address: string): string {
  const { hostname, port } = new URL(address);
  return `-h ${hostname.replace(/^\[(.*)\]$/, '$1')} -p ${port}`;
}

function subscribeHttp(address: string | undefined, who = ''): string | undefined {
  return address && `curl -N${who} '${address}/v1/stream?filter=demo/%23'`;
}

function publishHttp(address: string | undefined): string | undefined {
  return address && `curl -d 'hello over HTTP' '${address}/topics/demo/hello?qos=1'`;
}

function browser(address: string | undefined): string[] {
  if (address === undefined) return [];
  return [
    `ws = new WebSocket('${address}', 'trivium.v1'); ws.onmessage = (event) => console.log(event.data)`,
    `ws.send(JSON.stringify({ op: 'sub', id: 1, filters: [{ filter: 'demo/#', qos: 1 }] }))`,
    `ws.send(JSON.stringify({ op: 'pub', id: 2, topic: 'demo/hello', payload: 'hello over WebSocket', qos: 1 }))`,
  ];
}
