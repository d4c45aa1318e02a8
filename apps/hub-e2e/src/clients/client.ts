import type { HubAddresses } from '../hub.ts';

export type TestQoS = 0 | 1 | 2;

/** The properties that every protocol with properties has. */
export interface TestProperties {
  contentType: string;
  responseTopic: string;
  /** Base64. */
  correlationData: string;
  userProperties: [string, string][];
}

export interface Sent {
  topic: string;
  payload: Uint8Array;
  qos: TestQoS;
  retain?: boolean;
  /** For doors that carry them. */
  properties?: TestProperties;
}

export interface Received {
  topic: string;
  payload: Uint8Array;
  /** QoS of the delivery as this client saw it; undefined where the protocol does not tell. */
  qos: number | undefined;
  /** Told with it: that the topic had retained it before the subscription. */
  retain: boolean;
  /** Where the protocol and the client tell them. */
  properties?: Partial<TestProperties>;
}

/** One way into the hub, through a client that is not ours. */
export interface PublishingDoor {
  readonly name: string;
  /** It is driven by standard input as UTF-8: other bytes are for the other clients. */
  readonly textOnly?: true;
  readonly qos: readonly TestQoS[];
  /** It takes the properties of a message along. */
  readonly carriesProperties?: true;
  /** Its protocol can tell that one message is not taken: always, or only in an acknowledgement. */
  readonly saysNo?: 'always' | 'acknowledged';
  /** It cannot ask for a message to be retained. */
  readonly retainsNot?: true;
  /** Resolves when the hub has acknowledged (QoS 1, 2) or the client has handed everything over (QoS 0). Rejects when refused. */
  publish(hub: HubAddresses, messages: readonly Sent[]): Promise<void>;
}

/** One way out of the hub. */
export interface SubscribingDoor {
  readonly name: string;
  readonly qos: readonly TestQoS[];
  /** It tells the properties of a message. */
  readonly tellsProperties?: true;
  /** It is not given what is retained. */
  readonly retainedNot?: true;
  /** Resolves when the hub has confirmed the subscription. */
  subscribe(hub: HubAddresses, filter: string, qos: TestQoS): Promise<Subscriber>;
}

export interface Subscriber extends AsyncDisposable {
  readonly received: readonly Received[];
}
