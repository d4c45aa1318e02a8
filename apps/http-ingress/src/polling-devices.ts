import type { Command, CommandDesk } from '@trivium/commands';
import {
  accept,
  ConnectedEvent,
  DisconnectedEvent,
  encodeJson,
  eventSubject,
  refuse,
  type Result,
} from '@trivium/contracts';
import type { Bus } from '@trivium/bus';
import type { Rights } from '@trivium/identity';
import { sessionPrincipal } from '@trivium/sessions';
import type { Clock } from '@trivium/clock';

/** Commands that wait at this door for one device. */
const MAX_WAITING = 100;

/** A device that asks. */
export interface Asking {
  readonly device: string;
  /** Whose name it is connected by. */
  readonly principal: string;
  readonly address: string | undefined;
  readonly rights: Pick<Rights, 'holds'>;
}

/** Devices that ask for their commands by HTTP. One counts as connected from its first question until some time after its last. */
export interface PollingDevices {
  /**
   * The commands for the device, as soon as there are any; none when there were none in time or the device has hung up. Undefined: it may
   * not have any, or not any more.
   */
  poll(asking: Asking, waitMs: number, signal: AbortSignal): Promise<readonly Command[] | undefined>;
  reply(device: string, id: string, body: Parameters<CommandDesk['reply']>[2]): void;
  readonly size: number;
  /** Commands that no device has asked for yet. */
  readonly waiting: number;
  /** Refused: too many devices ask here, or the id is somebody else's: one that asks here, or that has a session. Rejects retryable. */
  admit(asking: Pick<Asking, 'device' | 'principal'>): Promise<Result<undefined>>;
  /** A turn of the door's clock. */
  tick(nowMs: number): void;
  /** All are told that nothing comes, and are away. */
  close(): void;
}

export interface PollingDevicesOptions {
  bus: Pick<Bus, 'publisher' | 'incarnation' | 'bucket'>;
  desk: CommandDesk;
  clock: Clock;
  service: string;
  /** How long a device stays connected after it was last answered. */
  graceMs: number;
  maxDevices: number;
}

interface Polling {
  readonly device: string;
  readonly principal: string;
  readonly connection: string;
  readonly address: string | undefined;
  /** Of the newest question. */
  rights: Asking['rights'];
  waiting: Command[];
  /** Ends the newest open question, which gets what has come. */
  wake: (() => void) | undefined;
  polls: number;
  lastMs: number;
  release(): void;
}

export function createPollingDevices(options: PollingDevicesOptions): PollingDevices {
  const { bus, desk, clock, service, graceMs, maxDevices } = options;
  const devices = new Map<string, Polling>();
  let connections = 0;

  const tell = (
    kind: 'connected' | 'disconnected',
    { device, connection, address }: Polling,
    reason?: string,
  ): void => {
    const common: ConnectedEvent = {
      ...{
        v: 1,
        client: device,
        connection,
        door: bus.incarnation,
        service,
        protocol: 'http',
        at: clock.now(),
      },
      ...(address === undefined ? {} : { address }),
    };
    const event =
      kind === 'connected'
        ? encodeJson(ConnectedEvent, common)
        : encodeJson(DisconnectedEvent, { ...common, ...(reason === undefined ? {} : { reason }) });
    const sink = { stored: () => undefined, failed: () => undefined };
    bus.publisher.durable(eventSubject(kind, device), event, undefined, sink, 0);
  };

  const end = (polling: Polling, reason: string): void => {
    if (devices.get(polling.device) !== polling) return;
    devices.delete(polling.device);
    tell('disconnected', polling, reason);
    polling.wake?.();
  };

  const open = (asking: Asking): Polling => {
    const { device } = asking;
    const connection = `${bus.incarnation}.h${++connections}`;
    const polling: Polling = {
      ...asking,
      ...{ connection, waiting: [], wake: undefined, polls: 0, lastMs: clock.now() },
      release: () => undefined,
    };
    devices.set(device, polling);
    tell('connected', polling);
    polling.release = desk.attach(device, {
      onCommand(command) {
        if (polling.waiting.length >= MAX_WAITING) return 'slow-consumer';
        polling.waiting.push(command);
        polling.wake?.();
        return undefined;
      },
      onCancelled(id) {
        polling.waiting = polling.waiting.filter((command) => command.id !== id);
      },
      onMoved() {
        const ids = polling.waiting.map(({ id }) => id);
        polling.waiting = [];
        end(polling, 'connected elsewhere');
        return ids;
      },
    });
    return polling;
  };

  return {
    async admit({ device, principal }) {
      const owner =
        devices.get(device)?.principal ?? (await sessionPrincipal(bus, device, clock.now())) ?? principal;
      if (owner !== principal) return refuse('auth.denied', 'this client id is somebody else’s');
      return devices.has(device) || devices.size < maxDevices
        ? accept(undefined)
        : refuse('quota.exceeded', `${maxDevices} devices ask here already`);
    },
    async poll(asking, waitMs, signal) {
      const polling = devices.get(asking.device) ?? open(asking);
      polling.rights = asking.rights;
      polling.wake?.(); // an older question of the same device goes without
      polling.polls++;
      let own: (() => void) | undefined;
      if (polling.waiting.length === 0 && !signal.aborted)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs);
          own = () => {
            clearTimeout(timer);
            resolve();
          };
          polling.wake = own;
          signal.addEventListener('abort', own);
        });
      if (polling.wake === own) polling.wake = undefined;
      polling.polls--;
      polling.lastMs = clock.now();
      if (signal.aborted) return [];
      if (!asking.rights.holds(clock.now())) return undefined;
      const commands = polling.waiting;
      polling.waiting = [];
      return commands;
    },
    reply: (device, id, body) => desk.reply(device, id, body),
    get size() {
      return devices.size;
    },
    get waiting() {
      return [...devices.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
    },
    tick(nowMs) {
      for (const polling of devices.values()) {
        const holds = polling.rights.holds(nowMs);
        if (holds && (polling.polls > 0 || nowMs - polling.lastMs < graceMs)) continue;
        end(polling, holds ? 'asks no more' : 'auth.denied');
        polling.release();
      }
    },
    close() {
      for (const polling of [...devices.values()]) {
        end(polling, 'server.draining');
        polling.release();
      }
    },
  };
}
