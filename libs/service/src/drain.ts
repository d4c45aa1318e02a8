/** What a stage is told. */
export interface DrainContext {
  /** Aborted past the grace time: cancel what is still in flight, then return. */
  signal: AbortSignal;
  /** Milliseconds, from the beginning of the drain, after which `signal` is aborted: spread closing over a part of it. */
  graceMs: number;
}

type Stage = (context: DrainContext) => unknown;

/** The parts of a service in the order in which they are stopped; each is waited for. */
export interface DrainStages {
  /** Close the listeners. */
  stopAccepting?: Stage;
  /** Tell the clients to go elsewhere, spread over a part of the grace time. */
  closeClients?: Stage;
  /** Wait for what was accepted and not answered. */
  finishInFlight?: Stage;
  /** Close the bus. */
  drainBus?: Stage;
}

export const STAGE_ORDER = ['stopAccepting', 'closeClients', 'finishInFlight', 'drainBus'] as const;

export type StageName = (typeof STAGE_ORDER)[number] | 'flushTelemetry';

export interface DrainOptions {
  stages: DrainStages;
  flushTelemetry: Stage;
  context: DrainContext;
  onStage(name: StageName): void;
  onFailure(name: StageName, error: unknown): void;
}

/** Runs the stages in order. One that fails is reported and the next goes on. Resolves to whether all went well. */
export async function drain({
  stages,
  flushTelemetry,
  context,
  onStage,
  onFailure,
}: DrainOptions): Promise<boolean> {
  let clean = true;
  const run = async (name: StageName, stage: Stage | undefined) => {
    if (stage === undefined) return;
    onStage(name);
    try {
      await stage(context);
    } catch (error) {
      clean = false;
      onFailure(name, error);
    }
  };
  for (const name of STAGE_ORDER) await run(name, stages[name]);
  await run('flushTelemetry', flushTelemetry);
  return clean;
}
