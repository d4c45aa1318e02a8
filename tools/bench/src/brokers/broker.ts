import type { LoadTarget } from '../generator/plan.ts';

/** A broker that runs, its processes and where to publish and subscribe. */
export interface Broker extends AsyncDisposable {
  readonly target: LoadTarget;
  /** Those whose CPU time and memory are its cost. */
  readonly pids: readonly number[];
  /** Why it no longer works, with the last of its output; `undefined` while all its processes run. */
  problem(): string | undefined;
}

/** A kind of broker that can be measured. */
export interface Peer {
  readonly name: string;
  /** What it is and in which version, for the report; `undefined` when it is not on this machine. */
  describe(): Promise<string | undefined>;
  start(): Promise<Broker>;
}
