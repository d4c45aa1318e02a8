import type { Snapshot } from './actor.ts';
import type { Envelope } from './envelope.ts';
import type { Shard } from './shard.ts';

/** What was stepped together and is stored by one write. */
export interface Batch {
  readonly envelopes: Envelope[];
  readonly effects: { readonly effect: unknown; readonly from: Envelope }[];
  /** False: nothing to store, the envelopes only wait for what was stepped before them. */
  changed: boolean;
}

/** One actor in memory. */
export interface Cell {
  readonly shard: Shard;
  readonly id: string;
  readonly key: string;
  /** `loading`: its snapshot is being read (first or again). `resting`: a step threw, its next try is due later. */
  phase: 'loading' | 'ready' | 'resting' | 'gone';
  state: Snapshot | undefined;
  /** `state` as it is stored, when something of it is still to be. */
  encoded: Uint8Array | undefined;
  /** Of the snapshot last read or stored; 0: there is none. */
  revision: number;
  /** Not stepped yet. */
  mailbox: Envelope[];
  /** Stepped, its write not begun. */
  stepped: Batch | undefined;
  /** Its write is on the way, or ended without a known outcome. */
  writing: Batch | undefined;
  /** What `writing` stores. */
  sent: Uint8Array | undefined;
  /** The write of `writing` has not been answered yet. */
  inFlight: boolean;
  /** Waits for a turn to write. */
  queued: boolean;
  /** Reads and writes that failed in a row. */
  failures: number;
}

export function createCell(shard: Shard, id: string): Cell {
  return {
    shard,
    id,
    key: shard.kind.key(id),
    phase: 'loading',
    state: undefined,
    encoded: undefined,
    revision: 0,
    mailbox: [],
    stepped: undefined,
    writing: undefined,
    sent: undefined,
    inFlight: false,
    queued: false,
    failures: 0,
  };
}

export function isIdle(cell: Cell): boolean {
  return (
    cell.phase === 'ready' &&
    cell.mailbox.length === 0 &&
    cell.stepped === undefined &&
    cell.writing === undefined
  );
}
