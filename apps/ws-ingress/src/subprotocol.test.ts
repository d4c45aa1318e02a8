import { expect, test } from 'vitest';
import { chooseSubprotocol } from './subprotocol.ts';

test.each([
  ['mqtt', 'mqtt', 'mqtt'],
  ['mqttv3.1', 'mqttv3.1', 'mqtt'],
  ['trivium.v1', 'trivium.v1', 'trivium.v1'],
  ['chat, trivium.v1 , mqtt', 'trivium.v1', 'trivium.v1'],
  ['mqttv3.1,mqtt', 'mqtt', 'mqtt'],
  ['trivium.v1, mqtt', 'trivium.v1', 'trivium.v1'],
])(
  '[MQTT3-6.0.0-4] [MQTT-6.0.0-4] of %j the first that is spoken here is chosen and repeated',
  (header, name, speaks) => {
    expect(chooseSubprotocol(header)).toEqual({ name, speaks });
  },
);

test.each([undefined, '', ',', 'MQTT', 'mqtt5', 'trivium.v2', 'trivium'])(
  '%j offers nothing spoken here',
  (header) => {
    expect(chooseSubprotocol(header)).toBeUndefined();
  },
);
