import type { Findings } from './accounts/findings.ts';
import type { Messages } from './accounts/messages.ts';
import type { Tally } from './accounts/tally.ts';
import type { Trace } from './accounts/trace.ts';
import type { Outages } from './harm/outages.ts';
import type { Random } from './random.ts';

/** Times of the run, milliseconds; tests against a broker that is fast make them short. */
export interface Pace {
  /** Between two things that a client does to itself, and how long it stays away or frozen. */
  readonly actionMs: readonly [shortest: number, longest: number];
  readonly awayMs: readonly [shortest: number, longest: number];
  /** A client that waits so long for CONNACK or PINGRESP gives the connection up. */
  readonly answerMs: number;
  /** Silence after which it asks. */
  readonly pingMs: number;
  /** How long retained messages may take to come to a new subscription. */
  readonly peekMs: number;
  readonly retryMs: readonly [shortest: number, longest: number];
  /** After a take-over the former connection is to be ended within this time. */
  readonly takeoverMs: number;
  /** So long after NATS was away, or a door was frozen, doors may let clients go because they have lost their lease. */
  readonly leaseMs: number;
  /** A will is to come within this time after everything that can publish it is there. */
  readonly willMs: number;
}

/** What everybody who takes part has in common. */
export interface World {
  readonly trace: Trace;
  readonly messages: Messages;
  readonly findings: Findings;
  readonly tally: Tally;
  readonly outages: Outages;
  readonly random: Random;
  readonly pace: Pace;
  /** Milliseconds since the beginning. */
  now(): number;
}
