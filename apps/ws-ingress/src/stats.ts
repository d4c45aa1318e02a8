/** What the door has done since it began, and what it holds now. Plain numbers: counting costs an increment. */
export interface WsStats {
  connectionsTrivium: number;
  connectionsMqtt: number;
  accepted: number;
  /** Upgrades refused. */
  refused: number;
  framesIn: number;
  framesRefused: number;
  /** Connections ended because their client may not be there any more. */
  revoked: number;
  publishedQos0: number;
  publishedQos1: number;
  /** Messages that wait to be stored. */
  openPublishes: number;
  publishesFailed: number;
  /** Messages that broke a contract which rejects them. */
  publishesRefused: number;
  /** Messages that were too many, or too much. */
  publishesLimited: number;
  /** Messages that became the retained one of their topic, or cleared it. */
  retained: number;
  deliveredLive: number;
  deliveredDurable: number;
  deliveredRetained: number;
  /** Live messages to clients that had no room. */
  droppedLive: number;
  /** Times that a client had no room for a durable message. */
  stalls: number;
  /** Commands sent to clients. */
  commandsOut: number;
  /** Commands from clients to devices. */
  calls: number;
  /** Those that wait for the reply. */
  openCalls: number;
  /** Those that were answered with `err`. */
  callsFailed: number;
  bytesOut: number;
  /** Connection events that could not be stored. */
  lostEvents: number;
  /** Ends of connections by close code. */
  closed: Record<string, number>;
}

export function createStats(): WsStats {
  return {
    connectionsTrivium: 0,
    connectionsMqtt: 0,
    accepted: 0,
    refused: 0,
    framesIn: 0,
    framesRefused: 0,
    revoked: 0,
    publishedQos0: 0,
    publishedQos1: 0,
    openPublishes: 0,
    publishesFailed: 0,
    publishesRefused: 0,
    publishesLimited: 0,
    retained: 0,
    deliveredLive: 0,
    deliveredDurable: 0,
    deliveredRetained: 0,
    droppedLive: 0,
    stalls: 0,
    commandsOut: 0,
    calls: 0,
    openCalls: 0,
    callsFailed: 0,
    bytesOut: 0,
    lostEvents: 0,
    closed: {},
  };
}

/** The numbers as metrics, for `registerCounters` of `@trivium/telemetry`; `of` names the number. */
export const WS_METRICS = {
  'trivium.ws.connections.trivium': {
    description: 'Connections that speak trivium.v1, now',
    kind: 'gauge',
    of: 'connectionsTrivium',
  },
  'trivium.ws.connections.mqtt': {
    description: 'Connections that speak MQTT, now',
    kind: 'gauge',
    of: 'connectionsMqtt',
  },
  'trivium.ws.accepted': { description: 'Connections accepted', of: 'accepted' },
  'trivium.ws.refused': { description: 'Upgrades refused', of: 'refused' },
  'trivium.ws.frames.received': { description: 'Frames of trivium.v1 from clients', of: 'framesIn' },
  'trivium.ws.frames.refused': { description: 'Frames answered with err', of: 'framesRefused' },
  'trivium.ws.revoked': {
    description: 'Connections ended because their client may not be there any more',
    of: 'revoked',
  },
  'trivium.ws.published.qos0': { description: 'Messages from clients, QoS 0', of: 'publishedQos0' },
  'trivium.ws.published.qos1': { description: 'Messages from clients, QoS 1', of: 'publishedQos1' },
  'trivium.ws.open.publishes': {
    description: 'Messages from clients that wait to be stored',
    kind: 'gauge',
    of: 'openPublishes',
  },
  'trivium.ws.publishes.failed': {
    description: 'Messages from clients that the bus did not take',
    of: 'publishesFailed',
  },
  'trivium.ws.publishes.refused': {
    description: 'Messages from clients that were refused because they broke a contract',
    of: 'publishesRefused',
  },
  'trivium.ws.publishes.limited': {
    description: 'Messages beyond the rate of their client',
    of: 'publishesLimited',
  },
  'trivium.ws.retained': {
    description: 'Messages from clients that were retained, or cleared what was',
    of: 'retained',
  },
  'trivium.ws.delivered.live': { description: 'Live messages to clients', of: 'deliveredLive' },
  'trivium.ws.delivered.durable': { description: 'Durable messages to clients', of: 'deliveredDurable' },
  'trivium.ws.delivered.retained': { description: 'Retained messages to clients', of: 'deliveredRetained' },
  'trivium.ws.dropped.live': {
    description: 'Live messages dropped because a client did not read',
    of: 'droppedLive',
  },
  'trivium.ws.stalls': { description: 'Times that a client had no room for a durable message', of: 'stalls' },
  'trivium.ws.commands': { description: 'Commands sent to clients', of: 'commandsOut' },
  'trivium.ws.calls': { description: 'Commands from clients to devices', of: 'calls' },
  'trivium.ws.open.calls': {
    description: 'Commands from clients that wait for the reply',
    kind: 'gauge',
    of: 'openCalls',
  },
  'trivium.ws.calls.failed': { description: 'Commands from clients answered with err', of: 'callsFailed' },
  'trivium.ws.sent.bytes': { description: 'Bytes of messages to clients', unit: 'By', of: 'bytesOut' },
  'trivium.ws.lost.events': { description: 'Connection events that could not be stored', of: 'lostEvents' },
  'trivium.ws.closed': { description: 'Ended connections', label: 'code', of: 'closed' },
} as const satisfies Record<
  string,
  { description: string; kind?: 'gauge'; unit?: string; label?: string; of: keyof WsStats }
>;
