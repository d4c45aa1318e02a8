import { Type } from 'typebox';
import { expect, it } from 'vitest';
import { expected, settingsOf, variableName } from './setting.ts';

it.each([
  [['dataDir'], 'TRIVIUM_DATA_DIR'],
  [['mqtt', 'maxPacketBytes'], 'TRIVIUM_MQTT_MAX_PACKET_BYTES'],
  [['http', 'tls', 'certFile'], 'TRIVIUM_HTTP_TLS_CERT_FILE'],
  [['mqtt', 'qos2TimeoutMs'], 'TRIVIUM_MQTT_QOS2_TIMEOUT_MS'],
])('%j is set by %s', (path, variable) => {
  expect(variableName(path)).toBe(variable);
});

it('finds every leaf, which of them may be left out, and which are secret', () => {
  const schema = Type.Object({
    dataDir: Type.String(),
    tls: Type.Object({
      keyFile: Type.Optional(Type.String()),
      passphrase: Type.String(),
      pin: Type.String({ writeOnly: true }),
    }),
  });
  expect(settingsOf(schema).map(({ name, optional, secret }) => [name, optional, secret])).toEqual([
    ['dataDir', false, false],
    ['tls.keyFile', true, false],
    ['tls.passphrase', false, true],
    ['tls.pin', false, true],
  ]);
});

it.each([
  [Type.Integer({ minimum: 1, maximum: 9 }), 'an integer from 1 to 9'],
  [Type.Number({ minimum: 0 }), 'a number of at least 0'],
  [Type.Integer({ maximum: 0 }), 'an integer of at most 0'],
  [Type.Boolean(), 'true or false'],
  [Type.Union([Type.Literal('a'), Type.Literal('b')]), 'one of a, b'],
  [Type.Union([Type.Literal('auto'), Type.Integer()]), 'auto or an integer'],
  [Type.Array(Type.Integer({ minimum: 1 })), 'a list, each an integer of at least 1'],
  [Type.Record(Type.String(), Type.Integer()), 'names, each with an integer'],
  [Type.String({ minLength: 1 }), 'text that is not empty'],
  [Type.String({ pattern: '^a+$' }), 'text that matches ^a+$'],
])('%o expects %s', (schema, text) => {
  expect(expected(schema)).toBe(text);
});
