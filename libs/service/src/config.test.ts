import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';
import type { ConfigError } from './config-issue.ts';
import { checkListener } from './listener-rule.ts';
import { serviceSchema } from './sections.ts';

const schema = serviceSchema(9101, {
  mqtt: Type.Object({
    host: Type.String({ default: '127.0.0.1', minLength: 1 }),
    port: Type.Integer({ default: 1883, minimum: 0, maximum: 65_535 }),
    maxPacketBytes: Type.Integer({ default: 1_048_576, minimum: 1 }),
    origins: Type.Array(Type.String(), { default: [] }),
    ratio: Type.Number({ default: 0.5, minimum: 0, maximum: 1 }),
    limit: Type.Union([Type.Literal('none'), Type.Integer()], { default: 'none' }),
    note: Type.Optional(Type.String()),
    doors: Type.Optional(
      Type.Record(Type.String(), Type.Integer(), {
        entryFaults: (doors: Record<string, number>) =>
          Object.entries(doors).flatMap(([entry, n]) => (n > 9 ? [{ entry, message: 'too many' }] : [])),
      }),
    ),
    tls: Type.Object({ passphrase: Type.String({ default: '', maxLength: 8 }) }),
  }),
});

function read(env: Record<string, string>, text?: string) {
  return readConfig({
    service: 'mqtt-ingress',
    schema,
    env,
    file: text === undefined ? undefined : { name: 'trivium.yaml', text },
  });
}

function issues(env: Record<string, string>, text?: string): string[] {
  try {
    read(env, text);
  } catch (error) {
    expect((error as ConfigError).code).toBe('config.invalid');
    return (error as ConfigError).issues.map(
      ({ source, setting, message }) => `${source} | ${setting} | ${message}`,
    );
  }
  return [];
}

describe('readConfig', () => {
  it('has a default for everything', () => {
    const config = read({});
    expect(config.mqtt).toEqual({
      host: '127.0.0.1',
      port: 1883,
      maxPacketBytes: 1_048_576,
      origins: [],
      ratio: 0.5,
      limit: 'none',
      tls: { passphrase: '' },
    });
    expect(config.nats.url).toBe('nats://127.0.0.1:4222');
    expect(config.admin).toEqual({ host: '127.0.0.1', port: 9101 });
    expect(config.allowAnonymous).toBe(false);
    expect('note' in config.mqtt).toBe(false);
  });

  it('takes the file over the default and the variable over the file', () => {
    const text = 'dataDir: /data\nmqtt:\n  host: "::1"\n  port: 2000\n';
    const config = read({ TRIVIUM_MQTT_PORT: '3000' }, text);
    expect([config.dataDir, config.mqtt.host, config.mqtt.port]).toEqual(['/data', '::1', 3000]);
  });

  it('reads numbers, booleans, lists and unions from variables', () => {
    const config = read({
      TRIVIUM_ALLOW_ANONYMOUS: '1',
      TRIVIUM_MQTT_MAX_PACKET_BYTES: '65_536',
      TRIVIUM_MQTT_ORIGINS: 'https://a.example, https://b.example,',
      TRIVIUM_MQTT_RATIO: '0.25',
      TRIVIUM_MQTT_LIMIT: '7',
      TRIVIUM_MQTT_TLS_PASSPHRASE: '0123',
    });
    expect(config.allowAnonymous).toBe(true);
    expect(config.mqtt.maxPacketBytes).toBe(65_536);
    expect(config.mqtt.origins).toEqual(['https://a.example', 'https://b.example']);
    expect(config.mqtt.ratio).toBe(0.25);
    expect(config.mqtt.limit).toBe(7);
    expect(config.mqtt.tls.passphrase, 'text that looks like a number stays text').toBe('0123');
  });

  it('reads a map from the file, or as JSON from a variable, and tells every entry that is wrong', () => {
    expect(read({}, 'mqtt: { doors: { a: 1, b: 2 } }\n').mqtt.doors).toEqual({ a: 1, b: 2 });
    expect(read({ TRIVIUM_MQTT_DOORS: '{"a":1}' }, 'mqtt: { doors: { b: 2 } }\n').mqtt.doors).toEqual({
      a: 1,
    });
    expect(issues({}, 'mqtt:\n  doors: { a: 10, b: 9, c: 11 }\n')).toEqual([
      'trivium.yaml:2 | mqtt.doors.a | too many',
      'trivium.yaml:2 | mqtt.doors.c | too many',
    ]);
    expect(issues({ TRIVIUM_MQTT_DOORS: '{"a"' })).toEqual([
      'TRIVIUM_MQTT_DOORS | mqtt.doors | expected names, each with an integer, got "{\\"a\\""',
    ]);
  });

  it('takes an empty variable for one that is not set', () => {
    expect(read({ TRIVIUM_MQTT_PORT: '', TRIVIUM_MQTT_PROT: '' }).mqtt.port).toBe(1883);
  });

  it('reports every fault at once, with its source and what was expected', () => {
    const text = [
      'mqtt:',
      '  maxPaketBytes: 5',
      '  port: "1883"',
      'natz:',
      '  url: x',
      'log: { level: loud }',
    ].join('\n');
    const env = { TRIVIUM_MQTT_PROT: '5', TRIVIUM_NATS_REPLICAS: '9', TRIVIUM_ALLOW_ANONYMOUS: 'maybe' };
    expect(issues(env, text).sort()).toEqual([
      'TRIVIUM_ALLOW_ANONYMOUS | allowAnonymous | expected true or false, got "maybe"',
      'TRIVIUM_MQTT_PROT |  | there is no such setting; did you mean TRIVIUM_MQTT_PORT?',
      'TRIVIUM_NATS_REPLICAS | nats.replicas | expected an integer from 1 to 5, got "9"',
      'trivium.yaml:2 | mqtt.maxPaketBytes | there is no such setting; did you mean mqtt.maxPacketBytes?',
      'trivium.yaml:3 | mqtt.port | expected an integer from 0 to 65535, got "1883"',
      'trivium.yaml:4 | natz | there is no such section or setting; did you mean nats?',
      'trivium.yaml:6 | log.level | expected one of trace, debug, info, warn, error, fatal, silent, got "loud"',
    ]);
  });

  it('prints *** instead of a secret', () => {
    const found = issues({ TRIVIUM_MQTT_TLS_PASSPHRASE: 'far-too-long-secret' });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain('got ***');
    expect(found[0]).not.toContain('far-too-long');
  });

  it('leaves sections and variables of other services alone', () => {
    expect(
      issues(
        { TRIVIUM_HTTP_PORT: 'x', TRIVIUM_CONFIG: 'f', TRIVIUM_TEST_NATS: 'binary' },
        'http: { port: x }\nws: { any: 1 }',
      ),
    ).toEqual([]);
  });

  it('notices a misspelt setting outside any section', () => {
    expect(issues({ TRIVIUM_ALOW_ANONYMOUS: 'true' })).toEqual([
      'TRIVIUM_ALOW_ANONYMOUS |  | there is no such setting; did you mean TRIVIUM_ALLOW_ANONYMOUS?',
    ]);
  });

  it('explains the variables that Kubernetes makes for a service named trivium-mqtt', () => {
    expect(issues({ TRIVIUM_MQTT_PORT_1883_TCP: 'tcp://10.0.0.1:1883' })[0]).toContain(
      'enableServiceLinks: false',
    );
  });

  it('is content with a file that is empty or all comments', () => {
    expect(issues({}, '')).toEqual([]);
    expect(issues({}, '# nothing yet\n')).toEqual([]);
    expect(issues({}, 'mqtt:\n')).toEqual([]);
  });

  it('resolves anchors, and reports the line in a section that uses one', () => {
    expect(read({}, 'ws: &limits { maxPacketBytes: 77 }\nmqtt: *limits\n').mqtt.maxPacketBytes).toBe(77);
  });

  it('reports a file that is no YAML, or no mapping, by its line', () => {
    expect(issues({}, 'mqtt:\n  port: [1\n')[0]).toMatch(/^trivium\.yaml:\d+ \|  \| is not valid YAML: /);
    expect(issues({}, '- a\n- b\n')).toEqual([
      'trivium.yaml |  | expected sections with settings, such as "mqtt:"',
    ]);
    expect(issues({}, 'mqtt: 5\n')).toEqual(['trivium.yaml:1 | mqtt | expected a section with settings']);
  });

  it('wants the force deadline after the grace', () => {
    expect(issues({ TRIVIUM_DRAIN_GRACE_MS: '5000', TRIVIUM_DRAIN_FORCE_MS: '5000' })[0]).toContain(
      'drain.forceMs',
    );
  });

  it('applies the rules across settings when every single one is right', () => {
    const check = ({ mqtt, allowAnonymous }: ReturnType<typeof read>) => [
      checkListener({ setting: 'mqtt.host', host: mqtt.host, allowAnonymous, hasAuthentication: false }),
    ];
    const run = (env: Record<string, string>) => () =>
      readConfig({ service: 'mqtt-ingress', schema, env, check });
    expect(run({ TRIVIUM_MQTT_HOST: '0.0.0.0' })).toThrow('TRIVIUM_ALLOW_ANONYMOUS=true');
    expect(run({ TRIVIUM_MQTT_HOST: '0.0.0.0', TRIVIUM_ALLOW_ANONYMOUS: 'true' })).not.toThrow();
    expect(run({})).not.toThrow();
  });
});

describe('portOffset', () => {
  it('moves every default port, that of NATS included', () => {
    const config = read({ TRIVIUM_PORT_OFFSET: '20000' });
    expect([config.mqtt.port, config.admin.port, config.nats.url]).toEqual([
      21_883,
      29_101,
      'nats://127.0.0.1:24222',
    ]);
  });

  it('moves nothing that was set, nor other numbers', () => {
    const config = read(
      { TRIVIUM_MQTT_PORT: '1999', TRIVIUM_NATS_URL: 'nats://10.0.0.1:4222' },
      'portOffset: 100\nadmin: { port: 9000 }\n',
    );
    expect([config.mqtt.port, config.admin.port, config.nats.url]).toEqual([
      1999,
      9000,
      'nats://10.0.0.1:4222',
    ]);
    expect(config.mqtt.maxPacketBytes).toBe(1_048_576);
  });

  it('is reported once when it is wrong', () => {
    expect(issues({ TRIVIUM_PORT_OFFSET: '-3' })).toEqual([
      'TRIVIUM_PORT_OFFSET | portOffset | expected an integer from 0 to 50000, got "-3"',
    ]);
  });
});
