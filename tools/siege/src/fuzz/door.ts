import type { Random } from '../random.ts';
import type { Fate } from './line.ts';

/** A door as the fuzzer meets it. */
export interface FuzzedDoor {
  readonly name: string;
  /** Its process, as `Site` names it. */
  readonly service: string;
  /** A connection on which one mutated packet after another is sent, until it is not open any more. */
  open(random: Random): Promise<Encounter>;
}

export interface Encounter {
  readonly open: boolean;
  /** One mutated packet, and what became of it. */
  send(random: Random): Promise<Fate>;
  drop(): void;
}

/** What the other side may take to show that it has read a packet; it is silent when the packet promises more than there is. */
export const PATIENCE_MS = 40;
/** The first answer of a connection. */
export const GREETING_MS = 30_000;
