/** What a door has done since it began. Plain numbers, so that counting costs an increment; the app publishes them as metrics. */
export interface DoorStats {
  /** Connections now, CONNECT sent or not. */
  connections: number;
  /** Clients with a CONNACK now. */
  sessions: number;
  accepted: number;
  /** CONNECTs answered with a refusal. */
  refused: number;
  bytesIn: number;
  bytesOut: number;
  /** PUBLISH packets by QoS. */
  publishedQos0: number;
  publishedQos1: number;
  publishedQos2: number;
  /** Of them, those to be retained. */
  publishedRetained: number;
  deliveredQos0: number;
  deliveredQos1: number;
  deliveredQos2: number;
  /** Commands sent to clients. */
  commandsOut: number;
  /** PUBLISH packets sent again on a new connection. */
  redelivered: number;
  /** Times that a client was not read for a while, since it published faster than it may. */
  slowed: number;
  /** Messages from clients that they may not publish. */
  deniedIn: number;
  /** Messages that a filter matched and its client may not receive: they were passed over. */
  deniedOut: number;
  /** QoS 0 messages from clients that the bus did not take. */
  droppedIn: number;
  /** QoS 0 messages to clients that did not read. */
  droppedOut: number;
  /** Messages from clients that wait to be stored now. */
  openPublishes: number;
  /** Publishes sent to the bus again, since their first outcome was unknown or no. */
  retriedPublishes: number;
  subscribes: number;
  unsubscribes: number;
  takeovers: number;
  /** Connections that went on with a session that was there. */
  resumed: number;
  /** Messages that were not sent since they had expired, or were larger than the client takes. */
  expired: number;
  tooLarge: number;
  /** Messages that waited for a client and fell to the limits of its queue. */
  droppedQueued: number;
  /** Times that a client was away for longer than the log keeps messages, or its queue's age allows. */
  gaps: number;
  /** Connection events that could not be stored. */
  lostEvents: number;
  /** Ends of connections by reason. */
  closed: Record<string, number>;
}

export function createStats(): DoorStats {
  return {
    connections: 0,
    sessions: 0,
    accepted: 0,
    refused: 0,
    bytesIn: 0,
    bytesOut: 0,
    publishedQos0: 0,
    publishedQos1: 0,
    publishedQos2: 0,
    publishedRetained: 0,
    deliveredQos0: 0,
    deliveredQos1: 0,
    deliveredQos2: 0,
    commandsOut: 0,
    redelivered: 0,
    slowed: 0,
    deniedIn: 0,
    deniedOut: 0,
    droppedIn: 0,
    droppedOut: 0,
    openPublishes: 0,
    retriedPublishes: 0,
    subscribes: 0,
    unsubscribes: 0,
    takeovers: 0,
    resumed: 0,
    expired: 0,
    tooLarge: 0,
    droppedQueued: 0,
    gaps: 0,
    lostEvents: 0,
    closed: {},
  };
}
