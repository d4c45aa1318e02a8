import type { Principal } from '@trivium/identity';

/**
 * A byte stream to one client: a TCP or TLS socket, or the binary messages of a WebSocket. Packets may begin and end
 * anywhere in a chunk [MQTT3-6.0.0-2]. Nothing here throws; what goes wrong arrives as `onClose`.
 */
export interface Transport {
  /** Called once. Reading begins, and `sink` hears everything from then on, never before this call returns. */
  open(sink: TransportSink): void;
  /**
   * Sends the chunks in order, as one write where the medium can. They belong to the transport from now on and will not be
   * changed. False: not all of it has left yet, and `onDrain` follows once it has; the caller writes nothing until then.
   */
  write(chunks: readonly Buffer[]): boolean;
  /** Stops `onData` until `resume()`. A chunk already on its way may still come. */
  pause(): void;
  resume(): void;
  /** Closes after what was written has left. Idempotent. `onClose` follows. */
  end(): void;
  /** Closes at once, dropping what has not left. Idempotent. `onClose` follows. */
  destroy(): void;
}

/** What a transport tells its connection. */
export interface TransportSink {
  /** The chunk belongs to the connection: the transport never changes or reuses it. */
  onData(chunk: Buffer): void;
  /** Everything written has left, after a `write` that returned false. */
  onDrain(): void;
  /** The client sends no more; what was written to it may still arrive. */
  onEnd(): void;
  /** The last call, once: the transport is gone, whoever closed it. */
  onClose(): void;
}

/** Where a connection came from. */
export interface Peer {
  /** Who the client is, proven by the request that opened its transport; undefined: CONNECT says. */
  readonly principal?: Principal;
  /** IP address, for logs and connection events. */
  readonly address: string;
  readonly kind: 'tcp' | 'tls' | 'ws' | 'wss';
  /** Its listener can be reached from this machine only. */
  readonly loopback: boolean;
  /** That of the client, proven by the TLS handshake. DER. */
  readonly certificate?: Uint8Array;
}
