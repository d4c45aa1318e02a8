import { DEFAULT_TOPIC_LIMITS } from '@trivium/contracts';
import { doorTlsSettings } from '@trivium/tls';
import { Type, type Static } from 'typebox';

const count = (fallback: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: fallback, minimum, maximum, description });

/** `mqtt`: the TCP listener, and what one MQTT client may use at any door (TCP or WebSocket). Bytes and milliseconds. */
export const mqttSection = Type.Object(
  {
    host: Type.String({ default: '127.0.0.1', minLength: 1, description: 'Address of the MQTT listener' }),
    port: count(1883, 0, 65_535, 'Port of the MQTT listener; 0 takes a free one'),
    ...doorTlsSettings(8883, 'MQTT over TLS'),
    backlog: count(4_096, 1, 65_535, 'Connections that may wait to be accepted'),
    engine: Type.Union([Type.Literal('trivium'), Type.Literal('aedes')], {
      default: 'trivium',
      description: 'Who speaks MQTT at the listener: this hub, or a stock aedes broker joined to it',
    }),
    maxConnections: count(100_000, 1, 10_000_000, 'Connections of one door; more are closed at once'),
    connectTimeoutMs: count(
      10_000,
      100,
      600_000,
      'A connection that has not sent CONNECT by then, or not answered AUTH, is closed; as long has TLS before that',
    ),
    maxPacketBytes: count(
      1_048_576,
      1_024,
      8_000_000,
      'Largest packet accepted from a client, its header included',
    ),
    maxClientIdBytes: count(1_024, 23, 65_535, 'Longest client id'),
    maxTopicBytes: count(DEFAULT_TOPIC_LIMITS.maxTopicBytes, 1, 65_535, 'Longest topic or topic filter'),
    maxTopicLevels: count(DEFAULT_TOPIC_LIMITS.maxTopicLevels, 1, 65_535, 'Deepest topic or topic filter'),
    maxSubscriptions: count(1_000, 1, 1_000_000, 'Topic filters of one client'),
    maxSessionBytes: count(
      524_288,
      16_384,
      4_194_304,
      'Topic filters that a persistent session stores, in bytes: each SUBSCRIBE writes all of them',
    ),
    maxOpenPublishes: count(
      256,
      1,
      65_535,
      'Messages of one client that wait to be stored; then its socket is not read',
    ),
    maxOpenBytes: count(4_194_304, 65_536, 1_073_741_824, 'The same in bytes'),
    maxInflight: count(1_000, 1, 65_535, 'Messages sent to one client that wait for its acknowledgement'),
    maxOutputBytes: count(
      1_048_576,
      65_536,
      1_073_741_824,
      'Bytes waiting for one client to read; then QoS 0 is dropped',
    ),
    receiveMaximum: count(
      256,
      1,
      65_535,
      'QoS 1 and 2 messages that an MQTT 5 client may send without an acknowledgement',
    ),
    topicAliasMaximum: count(
      100,
      0,
      65_535,
      'Topic aliases that an MQTT 5 client may use, and that one is sent',
    ),
    maxKeepAliveSeconds: count(0, 0, 65_535, 'Longest keep alive of an MQTT 5 client; 0: any'),
    serverReference: Type.String({
      default: '',
      description: 'Where MQTT 5 clients are sent when this door shuts down, as `host:port`; empty: nowhere',
    }),
    maxOpenExactlyOnce: count(
      100,
      1,
      1_000,
      'QoS 2 messages to one client, and from one client, that are not completed',
    ),
    takeoverTimeoutMs: count(1_000, 10, 60_000, 'How long CONNACK waits for the former owner of a client id'),
    sessionTtlSeconds: count(
      3_600,
      60,
      604_800,
      'After this the record of a clean session of a dead door is gone',
    ),
    sessionExpirySeconds: count(
      604_800,
      0,
      4_294_967_295,
      'How long a persistent session waits for its client; 0 ends it with the connection',
    ),
    cursorIntervalMs: count(
      5_000,
      100,
      600_000,
      'How often a persistent session is written while messages are acknowledged: what a crash may repeat at QoS 1',
    ),
    maxQueuedMessages: count(
      100_000,
      1,
      100_000_000,
      'Messages that wait for one client; then the oldest go',
    ),
    maxQueuedBytes: count(268_435_456, 1_024, 1_099_511_627_776, 'The same in bytes'),
    maxQueuedAgeMs: count(604_800_000, 1_000, 31_536_000_000, 'Messages that waited longer for a client go'),
  },
  { description: 'MQTT: the TCP listener and the limits of MQTT clients at every door' },
);

export type MqttConfig = Static<typeof mqttSection>;
