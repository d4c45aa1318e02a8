import type { DoorStats } from './stats.ts';

interface MetricDescription {
  readonly description: string;
  readonly kind?: 'counter' | 'gauge';
  readonly unit?: string;
  readonly label?: string;
}

/** The numbers of a door as metrics, for `registerCounters` of `@trivium/telemetry`. */
export const DOOR_METRICS = {
  'trivium.mqtt.connections': { description: 'Connections now', kind: 'gauge', of: 'connections' },
  'trivium.mqtt.sessions': { description: 'Clients with a CONNACK now', kind: 'gauge', of: 'sessions' },
  'trivium.mqtt.open.publishes': {
    description: 'Messages of clients that wait to be stored',
    kind: 'gauge',
    of: 'openPublishes',
  },
  'trivium.mqtt.accepted': { description: 'Connections accepted', of: 'accepted' },
  'trivium.mqtt.refused': { description: 'CONNECTs refused', of: 'refused' },
  'trivium.mqtt.received.bytes': { description: 'Bytes from clients', unit: 'By', of: 'bytesIn' },
  'trivium.mqtt.sent.bytes': { description: 'Bytes to clients', unit: 'By', of: 'bytesOut' },
  'trivium.mqtt.published.qos0': { description: 'Messages from clients, QoS 0', of: 'publishedQos0' },
  'trivium.mqtt.published.qos1': { description: 'Messages from clients, QoS 1', of: 'publishedQos1' },
  'trivium.mqtt.published.qos2': { description: 'Messages from clients, QoS 2', of: 'publishedQos2' },
  'trivium.mqtt.published.retained': {
    description: 'Messages from clients to be retained',
    of: 'publishedRetained',
  },
  'trivium.mqtt.delivered.qos0': { description: 'Messages to clients, QoS 0', of: 'deliveredQos0' },
  'trivium.mqtt.delivered.qos1': { description: 'Messages to clients, QoS 1', of: 'deliveredQos1' },
  'trivium.mqtt.delivered.qos2': { description: 'Messages to clients, QoS 2', of: 'deliveredQos2' },
  'trivium.mqtt.commands': { description: 'Commands sent to clients', of: 'commandsOut' },
  'trivium.mqtt.redelivered': { description: 'Messages sent again on a new connection', of: 'redelivered' },
  'trivium.mqtt.resumed': {
    description: 'Connections that went on with a persistent session',
    of: 'resumed',
  },
  'trivium.mqtt.expired': { description: 'Messages that had expired before they were sent', of: 'expired' },
  'trivium.mqtt.too.large': {
    description: 'Messages larger than their receiver takes',
    of: 'tooLarge',
  },
  'trivium.mqtt.dropped.queued': {
    description: 'Messages that fell to the limits of a queue',
    of: 'droppedQueued',
  },
  'trivium.mqtt.gaps': {
    description: 'Clients away for longer than messages are kept',
    of: 'gaps',
  },
  'trivium.mqtt.slowed': {
    description: 'Times that a client was not read for a while, since it published faster than it may',
    of: 'slowed',
  },
  'trivium.mqtt.denied.in': {
    description: 'Messages from clients that they may not publish',
    of: 'deniedIn',
  },
  'trivium.mqtt.denied.out': {
    description: 'Messages passed over, since the client may not receive them',
    of: 'deniedOut',
  },
  'trivium.mqtt.dropped.in': { description: 'QoS 0 messages that the bus did not take', of: 'droppedIn' },
  'trivium.mqtt.dropped.out': { description: 'QoS 0 messages that a client did not read', of: 'droppedOut' },
  'trivium.mqtt.retried.publishes': {
    description: 'Publishes sent to the bus again',
    of: 'retriedPublishes',
  },
  'trivium.mqtt.subscribes': { description: 'Topic filters subscribed to', of: 'subscribes' },
  'trivium.mqtt.unsubscribes': { description: 'Topic filters given up', of: 'unsubscribes' },
  'trivium.mqtt.takeovers': {
    description: 'Connections closed for a newer one with the same client id',
    of: 'takeovers',
  },
  'trivium.mqtt.lost.events': { description: 'Connection events that could not be stored', of: 'lostEvents' },
  'trivium.mqtt.closed': { description: 'Ended connections', label: 'reason', of: 'closed' },
} as const satisfies Record<string, MetricDescription & { of: keyof DoorStats }>;
