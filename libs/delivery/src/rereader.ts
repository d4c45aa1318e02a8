import type { Bus, BusMessage } from '@trivium/bus';
import { DeliveredMessage, topicTokens, wireQos } from './message.ts';
import type { Delivery, WantedMessage } from './receiver.ts';
import type { Topics } from './topics.ts';

/** See `Delivery.read`. */
export function createRereader(bus: Bus, topics: Topics): Delivery['read'] {
  const delivered = new DeliveredMessage();

  const fromLog = async ({ pos }: WantedMessage): Promise<DeliveredMessage | undefined> => {
    const message = (await bus.read('MESSAGES', pos)) as unknown as BusMessage | undefined;
    const entry = message && topics.entry(topicTokens(message.subject));
    return entry && delivered.fill(message!, entry, wireQos(message!.subject), pos);
  };

  return async (wanted, visit) => {
    for (const one of wanted) visit(one.pos, await fromLog(one));
  };
}
