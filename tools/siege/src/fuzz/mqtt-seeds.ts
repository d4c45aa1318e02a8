import {
  answer,
  auth,
  connect,
  packet,
  publish,
  subscribe,
  text,
  uint16,
  unsubscribe,
} from '../mqtt/packets.ts';
import { pick, type Random } from '../random.ts';
import type { Level } from '../mqtt/packets.ts';

const TOPICS = [
  'siege/a',
  'siege/ü/b',
  '/',
  'siege/very/deep/topic/with/many/levels/in/it',
  '$share/g/siege/#',
  'cmd/x/y',
];
const FILTERS = ['siege/#', 'siege/+/b', '+/+', '$share/group/siege/#', '#', '$SYS/#'];
/** Content type, response topic, correlation data, user property, message expiry, topic alias: as they lie in a PUBLISH. */
const PROPERTIES: readonly (readonly number[])[] = [
  [],
  [0x01, 1],
  [0x02, 0, 0, 0, 60],
  [0x03, ...text('application/json')],
  [0x08, ...text('siege/reply'), 0x09, 0, 2, 1, 2],
  [0x26, ...text('a'), ...text('b')],
  [0x23, 0, 1],
];

/** A CONNECT that a door takes. */
export function someConnect(level: Level, random: Random): Buffer {
  const name = `siege-${random(500)}`;
  return connect({
    clientId: name,
    level,
    clean: random(4) > 0,
    ...(random(4) === 0 && {
      will: { topic: pick(random, TOPICS), payload: 'gone', qos: random(3) as 0 | 1 | 2 },
    }),
  });
}

/** Some packet that a client may send after CONNECT. */
export function somePacket(level: Level, random: Random): Buffer {
  const packetId = 1 + random(20);
  const payload = Buffer.alloc(random(200), 0x41 + random(26));
  switch (random(10)) {
    case 0:
      return subscribe(
        level,
        packetId,
        [pick(random, FILTERS), pick(random, FILTERS)],
        random(3) as 0 | 1 | 2,
      );
    case 1:
      return unsubscribe(level, packetId, [pick(random, FILTERS)]);
    case 2:
      return answer(4 + random(4), packetId);
    case 3:
      return level === 5 ? auth(0x18, 'SCRAM-SHA-256', Buffer.from('n,,n=a,r=b')) : answer(4, packetId);
    case 4:
      return packet(0xe0, level === 5 ? [Buffer.from([0, 0])] : []);
    case 5:
      return packet(0x30, [
        text(pick(random, TOPICS)),
        ...(level === 5 ? [Buffer.from([0])] : []),
        uint16(random(65_536)),
      ]);
    default: {
      const qos = random(3) as 0 | 1 | 2;
      const properties = pick(random, PROPERTIES);
      return publish(level, {
        topic: pick(random, TOPICS),
        payload,
        qos,
        packetId,
        retain: random(8) === 0,
        properties,
      });
    }
  }
}
