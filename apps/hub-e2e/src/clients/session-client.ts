import type { Received, TestQoS } from './client.ts';

export interface OpenOptions {
  readonly host: string;
  readonly port: number;
  /** Client id. */
  readonly id: string;
  readonly filter: string;
  readonly qos: TestQoS;
  /** Where the hub wants to know who it is. */
  readonly login?: { readonly username: string; readonly password: string };
}

/** A client that is not ours, with clean session 0. */
export interface SessionClient {
  readonly name: string;
  /** Connects, and subscribes unless it is known that its session has done so. */
  open(options: OpenOptions): Promise<OpenSession>;
}

export interface OpenSession {
  /** Session present of its CONNACK; undefined where the client does not tell. */
  readonly present: boolean | undefined;
  /** Since it was opened. */
  readonly received: readonly Received[];
  /** Ends with DISCONNECT. */
  leave(): Promise<void>;
  /** Ends without a word. */
  drop(): Promise<void>;
}
