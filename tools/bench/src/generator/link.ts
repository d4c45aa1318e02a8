import { connect, type Socket } from 'node:net';
import { PacketReader } from './packet-reader.ts';
import { CONNACK, connectPacket, DISCONNECT, SUBACK, subscribePacket, type Level } from './packets.ts';
import type { Address } from './plan.ts';

export interface LinkHandlers {
  /** Every packet but CONNACK and SUBACK. */
  packet(firstByte: number, bytes: Buffer, start: number, end: number): void;
  /** Before the first packet of what one read brought. */
  readStarts(): void;
  /** After the last one. */
  readEnds(link: Link): void;
  /** Everything written is out again, after `blocked` was true. */
  drained(): void;
  /** Closed by the other side after it was open. */
  lost(): void;
}

export interface LinkOptions {
  address: Address;
  clientId: string;
  clean: boolean;
  /** Default: 3.1.1. */
  level?: Level;
  /** May be shared with other links of the process. */
  readBuffer: Buffer;
  handlers: LinkHandlers;
}

/** One MQTT connection of the generator. */
export class Link {
  readonly #socket: Socket;
  readonly #handlers: LinkHandlers;
  readonly #clientId: string;
  readonly #level: Level | undefined;
  #awaited: { type: number; resolve: (body: Buffer) => void; reject: (error: Error) => void } | undefined;
  #state: 'opening' | 'open' | 'closed' = 'opening';
  sessionPresent = false;
  blocked = false;

  private constructor(options: LinkOptions) {
    const { host, port } = options.address;
    this.#handlers = options.handlers;
    this.#clientId = options.clientId;
    this.#level = options.level;
    const reader = new PacketReader((first, bytes, start, end) => this.#packet(first, bytes, start, end));
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: options.readBuffer,
        callback: (length, bytes) => {
          this.#handlers.readStarts();
          reader.push((bytes as Buffer).subarray(0, length));
          this.#handlers.readEnds(this);
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#closed(error));
    this.#socket.on('close', () =>
      this.#closed(new Error(`${this.#clientId}: the broker closed the connection`)),
    );
  }

  /** Connects and resolves after CONNACK; rejects when the broker refuses. */
  static async open(options: LinkOptions): Promise<Link> {
    const link = new Link(options);
    link.write(connectPacket(options.clientId, options.clean, options.level));
    const connack = await link.#expect(CONNACK);
    if (connack[1] !== 0) {
      link.#end();
      throw new Error(`${options.clientId}: CONNECT refused with return code ${connack[1]}`);
    }
    link.sessionPresent = ((connack[0] as number) & 1) === 1;
    link.#state = 'open';
    return link;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Rejects when the broker refuses, or grants another QoS than asked for. */
  async subscribe(filter: string, qos: 0 | 1): Promise<void> {
    this.write(subscribePacket(1, filter, qos, this.#level));
    const granted = (await this.#expect(SUBACK)).at(-1);
    if (granted !== qos)
      throw new Error(`${this.#clientId}: SUBSCRIBE ${filter} at QoS ${qos} answered ${granted}`);
  }

  /** True when `bytes` may be used again at once; else `blocked` is set until they are out. */
  write(bytes: Buffer): boolean {
    if (this.#state === 'closed') return true;
    this.#socket.write(bytes, this.#written);
    if (this.#socket.writableLength === 0) return true;
    this.blocked = true;
    return false;
  }

  /** DISCONNECT, then waits for the socket to close. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.#end();
    await closed;
  }

  #end(): void {
    this.#state = 'closed';
    // A broker may close while DISCONNECT is on its way, and need not read it.
    this.#socket.end(DISCONNECT);
    this.#socket.resume().setTimeout(1_000, () => this.#socket.destroy());
  }

  readonly #written = (): void => {
    if (!this.blocked || this.#socket.writableLength > 0) return;
    this.blocked = false;
    if (this.#state === 'open') this.#handlers.drained();
  };

  #expect(type: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#awaited = { type, resolve, reject };
    });
  }

  #packet(first: number, bytes: Buffer, start: number, end: number): void {
    const awaited = this.#awaited;
    if (awaited !== undefined && awaited.type === first >> 4) {
      this.#awaited = undefined;
      awaited.resolve(Buffer.from(bytes.subarray(start, end)));
      return;
    }
    this.#handlers.packet(first, bytes, start, end);
  }

  #closed(error: Error): void {
    const was = this.#state;
    this.#state = 'closed';
    this.#awaited?.reject(error);
    this.#awaited = undefined;
    if (was === 'open') this.#handlers.lost();
  }
}
