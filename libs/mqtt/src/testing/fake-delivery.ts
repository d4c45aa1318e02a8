import type { QoS, Topic, TopicFilter } from '@trivium/contracts';
import type {
  Attachment,
  AttachOptions,
  Delivered,
  Delivery,
  Receiver,
  Subscription,
  WantedMessage,
} from '@trivium/delivery';

let serial = 0;

export function delivered(
  fields: Partial<Omit<Delivered, 'payload' | 'topic'>> & { topic?: string; payload?: string } = {},
): Delivered {
  const topic = (fields.topic ?? 't') as Topic;
  const name = Buffer.from(topic);
  return {
    pos: 0,
    qos: 0 as QoS,
    retain: false,
    client: undefined,
    properties: undefined,
    serial: ++serial,
    ...fields,
    topic,
    topicField: Buffer.concat([Buffer.from([name.length >> 8, name.length & 255]), name]),
    payload: Buffer.from(fields.payload ?? ''),
  };
}

export interface FakeAttachment extends Attachment {
  readonly receiver: Receiver;
  detached: boolean;
  resumed: number;
  /** What `subscribe` calls wait for; resolved by the test, or at once by default. */
  pending: { resolve(): void; reject(error: unknown): void }[];
}

/** A delivery whose messages and answers come from the test. */
export class FakeDelivery implements Delivery {
  readonly attachments: FakeAttachment[] = [];
  /** Whether `subscribe` waits for the test. */
  slow = false;
  readonly stats = {} as Delivery['stats'];
  /** Messages of the log, for `read`. */
  readonly log = new Map<number, Delivered>();
  readonly options: (AttachOptions | undefined)[] = [];

  attach(receiver: Receiver, options?: AttachOptions): Attachment {
    this.options.push(options);
    const subscriptions = new Map<TopicFilter, Subscription>();
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    const delivery = this;
    const attachment: FakeAttachment = {
      receiver,
      pos: 0,
      live: true,
      get subscriptions() {
        return subscriptions.values();
      },
      get durable() {
        return [...subscriptions.values()].some(({ qos }) => qos > 0);
      },
      detached: false,
      resumed: 0,
      pending: [],
      subscribe(subs) {
        return new Promise((resolve, reject) => {
          const done = () => {
            for (const sub of subs) subscriptions.set(sub.filter, sub);
            resolve();
          };
          if (delivery.slow) this.pending.push({ resolve: done, reject });
          else done();
        });
      },
      unsubscribe: (filters) => filters.map((filter) => subscriptions.delete(filter)),
      resume: () => void attachment.resumed++,
      detach: () => void (attachment.detached = true),
    };
    this.attachments.push(attachment);
    return attachment;
  }

  async read(
    wanted: readonly WantedMessage[],
    visit: (pos: number, message: Delivered | undefined) => void,
  ): Promise<void> {
    await Promise.resolve();
    for (const { pos } of wanted) visit(pos, this.log.get(pos));
  }

  close(): void {}
}
