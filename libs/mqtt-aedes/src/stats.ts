/**
 * What the door has done since it began: the numbers of `@trivium/mqtt`'s door, so that the same metrics show both, and one of its
 * own. Plain, so that counting costs an increment.
 */
export interface AedesDoorStats {
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
  deliveredQos0: number;
  deliveredQos1: number;
  /** Messages from clients that they may not publish. */
  deniedIn: number;
  /** Messages that a filter matched and its client may not receive: they were passed over. */
  deniedOut: number;
  /** Times that a client was not read for a while, since it published faster than it may. */
  slowed: number;
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
  /** Connection events that could not be stored. */
  lostEvents: number;
  /** Faults caught on the border to aedes; each has cost one client its connection. */
  caughtFaults: number;
  /** Ends of connections by reason. */
  closed: Record<string, number>;
}

export function createStats(): AedesDoorStats {
  return {
    connections: 0,
    sessions: 0,
    accepted: 0,
    refused: 0,
    bytesIn: 0,
    bytesOut: 0,
    publishedQos0: 0,
    publishedQos1: 0,
    deliveredQos0: 0,
    deliveredQos1: 0,
    deniedIn: 0,
    deniedOut: 0,
    slowed: 0,
    droppedIn: 0,
    droppedOut: 0,
    openPublishes: 0,
    retriedPublishes: 0,
    subscribes: 0,
    unsubscribes: 0,
    takeovers: 0,
    lostEvents: 0,
    caughtFaults: 0,
    closed: {},
  };
}
