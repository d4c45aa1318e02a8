import type { Wills } from '../accounts/wills.ts';
import type { QoS } from '../mqtt/packets.ts';
import type { World } from '../world.ts';
import { createClient, type Client, type ClientOptions } from './client.ts';

export interface WillClientOptions extends ClientOptions {
  readonly qos: QoS;
  readonly retain: boolean;
  /** Stays away until its will has come; else it is back at once, and whoever takes its session over publishes the will. */
  readonly isPatient: boolean;
}

/** Has a will and does nothing else: it comes, goes in every way there is, and comes again. */
export interface WillClient {
  readonly client: Client;
  /** From now on it goes. */
  begin(): void;
  tick(): void;
  /** DISCONNECT, for good. */
  retire(): void;
}

export function createWillClient(world: World, wills: Wills, options: WillClientOptions): WillClient {
  const { pace, now } = world;
  const random = world.random.fork(`${options.clientId} actions`);
  let isRetired = false;
  let actsAt = Infinity;
  let returnsAt: number | undefined;
  const client: Client = createClient(
    world,
    {
      ...options,
      will: () => wills.begin({ name: options.name, number: client.number, door: client.door.part }, options),
    },
    {
      opened: () => undefined,
      packet: () => undefined,
      formerDropped: () => wills.formerDropped(options.name),
      ended(how, acknowledged) {
        wills.ended(options.name, how, acknowledged);
        if (how === 'taken over' || isRetired) return;
        client.drop();
        returnsAt = now() + random.between(...pace.awayMs);
      },
    },
  );
  client.come();

  return {
    client,
    begin() {
      actsAt = now() + random.between(...pace.actionMs);
    },
    tick() {
      client.tick();
      if (isRetired) return;
      if (returnsAt !== undefined) {
        if (now() < returnsAt || (options.isPatient && wills.isAwaited(options.name))) return;
        returnsAt = undefined;
        client.come();
      } else if (client.isOpen && now() >= actsAt) {
        actsAt = now() + random.between(...pace.actionMs) * 2;
        random.pick([client.disconnect, client.drop, client.takeOver])();
      }
    },
    retire() {
      isRetired = true;
      client.disconnect();
    },
  };
}
