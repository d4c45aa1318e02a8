/** What the door has done since it began, and what it holds now. Plain numbers: counting costs an increment. */
export interface HttpStats {
  requests: number;
  /** By first digit: `2xx`, `4xx`, … */
  answers: Record<string, number>;
  publishedQos0: number;
  publishedQos1: number;
  /** Messages that wait to be stored. */
  openPublishes: number;
  publishesFailed: number;
  /** Messages that broke a contract which rejects them. */
  publishesRefused: number;
  /** Messages that their caller may not publish. */
  publishesDenied: number;
  /** Messages that were too many, or too much. */
  publishesLimited: number;
  /** Messages that became the retained one of their topic, or cleared it. */
  retained: number;
  streams: number;
  streamsOpened: number;
  deliveredLive: number;
  deliveredDurable: number;
  deliveredRetained: number;
  /** Live messages to streams that had no room. */
  droppedLive: number;
  /** Times that a stream had no room for a durable message. */
  stalls: number;
  /** Streams cut off because they did not read. */
  slowStreams: number;
  /** Streams ended because their reader may not read them any more. */
  streamsRevoked: number;
  bytesOut: number;
}

export function createStats(): HttpStats {
  return {
    requests: 0,
    answers: {},
    publishedQos0: 0,
    publishedQos1: 0,
    openPublishes: 0,
    publishesFailed: 0,
    publishesRefused: 0,
    publishesDenied: 0,
    publishesLimited: 0,
    retained: 0,
    streams: 0,
    streamsOpened: 0,
    deliveredLive: 0,
    deliveredDurable: 0,
    deliveredRetained: 0,
    droppedLive: 0,
    stalls: 0,
    slowStreams: 0,
    streamsRevoked: 0,
    bytesOut: 0,
  };
}

/** The numbers as metrics; `of` names the number. */
export const HTTP_METRICS = {
  'trivium.http.requests': { description: 'Requests', of: 'requests' },
  'trivium.http.answers': { description: 'Answers by class of status', label: 'status', of: 'answers' },
  'trivium.http.published.qos0': { description: 'Messages from clients, QoS 0', of: 'publishedQos0' },
  'trivium.http.published.qos1': { description: 'Messages from clients, QoS 1', of: 'publishedQos1' },
  'trivium.http.open.publishes': {
    description: 'Messages from clients that wait to be stored',
    kind: 'gauge',
    of: 'openPublishes',
  },
  'trivium.http.publishes.failed': {
    description: 'Messages from clients that the bus did not take',
    of: 'publishesFailed',
  },
  'trivium.http.publishes.refused': {
    description: 'Messages from clients that were refused because they broke a contract',
    of: 'publishesRefused',
  },
  'trivium.http.publishes.denied': {
    description: 'Messages that their caller may not publish',
    of: 'publishesDenied',
  },
  'trivium.http.publishes.limited': {
    description: 'Messages beyond the rate of their caller',
    of: 'publishesLimited',
  },
  'trivium.http.retained': {
    description: 'Messages from clients that were retained, or cleared what was',
    of: 'retained',
  },
  'trivium.http.streams': { description: 'Event streams now', kind: 'gauge', of: 'streams' },
  'trivium.http.streams.opened': { description: 'Event streams opened', of: 'streamsOpened' },
  'trivium.http.delivered.live': { description: 'Live messages to streams', of: 'deliveredLive' },
  'trivium.http.delivered.durable': { description: 'Durable messages to streams', of: 'deliveredDurable' },
  'trivium.http.delivered.retained': {
    description: 'Retained messages to streams',
    of: 'deliveredRetained',
  },
  'trivium.http.dropped.live': {
    description: 'Live messages dropped because a stream did not read',
    of: 'droppedLive',
  },
  'trivium.http.stalls': {
    description: 'Times that a stream had no room for a durable message',
    of: 'stalls',
  },
  'trivium.http.slow.streams': {
    description: 'Streams cut off because they did not read',
    of: 'slowStreams',
  },
  'trivium.http.streams.revoked': {
    description: 'Streams ended because their reader may not read them any more',
    of: 'streamsRevoked',
  },
  'trivium.http.sent.bytes': { description: 'Bytes of messages to streams', unit: 'By', of: 'bytesOut' },
} as const satisfies Record<
  string,
  { description: string; kind?: 'gauge'; unit?: string; label?: string; of: keyof HttpStats }
>;
