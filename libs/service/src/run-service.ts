import { performance } from 'node:perf_hooks';
import type { Logger, Telemetry } from '@trivium/telemetry';
import { createAdminServer } from './admin-server.ts';
import { EXIT_CONFIG } from './config.ts';
import type { ConfigError } from './config-issue.ts';
import { drain, type DrainStages } from './drain.ts';
import { INITIAL, step, type LifeCycleEffect, type LifeCycleInput } from './life-cycle.ts';
import { listen } from './listen.ts';
import { readinessReport, type ReadinessCheck } from './readiness.ts';
import type { BaseConfig } from './sections.ts';
import { START_REFUSED } from './start-error.ts';
import { onStopRequests } from './stop-requests.ts';

const EXIT_FAILURE = 1;
const EXIT_DEFECT = 70;

export interface StartContext {
  /** Aborted when the process is told to stop before it has started: give up soon. */
  signal: AbortSignal;
  logger: Logger;
}

/** What `start` has built. */
export interface ServiceParts {
  /** By name, for `/readyz`: `{ bus: () => bus.up || 'no connection to NATS' }`. */
  readiness?: Readonly<Record<string, ReadinessCheck>>;
  stages?: DrainStages;
}

export interface RunServiceOptions {
  name: string;
  version: string;
  config: Pick<BaseConfig, 'admin' | 'drain'>;
  logger: Logger;
  telemetry: Telemetry;
  /** Connects, builds and listens; what it resolves to is ready for clients. */
  start(context: StartContext): Promise<ServiceParts>;
}

/**
 * Runs a service as this process until it ends the process. The admin server answers from the first moment; `/readyz` says
 * 503 until `start` has resolved and every check passes, and again from the beginning of the drain. SIGTERM, SIGINT or the
 * loss of the launcher drain it. Exit codes: 0 drained; 1 could not start, a stage failed, was too slow, or the signal was
 * repeated; 70 a defect (uncaught exception); 78 configuration.
 */
export async function runService({
  name,
  version,
  config,
  logger,
  telemetry,
  start,
}: RunServiceOptions): Promise<void> {
  let state = INITIAL;
  let parts: ServiceParts = {};
  let stage = 'start';
  const starting = new AbortController();
  const grace = new AbortController();

  const send = (input: LifeCycleInput): void => {
    const next = step(state, input);
    state = next.state;
    for (const effect of next.effects) run(effect);
  };
  const run = (effect: LifeCycleEffect): void => {
    switch (effect.type) {
      case 'arm-deadlines':
        starting.abort();
        logger.info({ reason: state.stopReason }, 'stopping');
        setTimeout(send, config.drain.graceMs, { type: 'grace-over' });
        setTimeout(send, config.drain.forceMs, { type: 'force-over' });
        return;
      case 'drain':
        void drain({
          stages: parts.stages ?? {},
          flushTelemetry: () => telemetry.shutdown(),
          context: { signal: grace.signal, graceMs: config.drain.graceMs },
          onStage: (entered) => {
            stage = entered;
            logger.debug({ stage }, 'drain stage');
          },
          onFailure: (failed, err) => logger.error({ stage: failed, err }, 'a drain stage failed'),
        }).then((clean) => send({ type: 'drained', clean }));
        return;
      case 'cancel':
        logger.warn({ stage, graceMs: config.drain.graceMs }, 'the grace time is over, cancelling');
        grace.abort();
        return;
      case 'exit':
        if (effect.forced === 'deadline')
          logger.error({ stage, forceMs: config.drain.forceMs }, `stage ${stage} hung, exiting by force`);
        if (effect.forced === 'repeated')
          logger.warn({ stage }, `told to stop again in stage ${stage}, exiting by force`);
        if (effect.code === 0) logger.info('stopped');
        process.exit(effect.code);
    }
  };
  const defect = (err: unknown, origin: string): never => {
    logger.fatal({ err, origin, code: 'defect' }, 'defect: the process ends');
    process.exit(EXIT_DEFECT);
  };

  process.on('uncaughtException', (error, origin) => defect(error, origin));
  process.on('unhandledRejection', (reason) => defect(reason, 'unhandledRejection'));
  onStopRequests((reason) => send({ type: 'stop', reason, atMs: performance.now() }));

  const admin = createAdminServer({
    readiness: () => readinessReport(state.phase, parts.readiness ?? {}),
    metricsText: (format) => telemetry.metricsText(format),
  });
  try {
    const port = await listen(admin, {
      ...config.admin,
      what: `${name}: the admin server`,
      setting: 'admin.port',
    });
    parts = await start({ signal: starting.signal, logger });
    logger.info(
      { version, pid: process.pid, admin: `http://${config.admin.host}:${port}` },
      `${name} is ready`,
    );
    send({ type: 'started' });
  } catch (error) {
    failed(error);
  }

  function failed(error: unknown): void {
    if (state.stopReason !== undefined) return send({ type: 'started' });
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (code === 'config.invalid') {
      logger.fatal({ code, issues: (error as Partial<ConfigError>).issues }, String(message));
      process.exit(EXIT_CONFIG);
    }
    if (!isExpected(error)) defect(error, 'start');
    logger.fatal({ code }, `${name} cannot start: ${String(message)}`);
    process.exit(EXIT_FAILURE);
  }
}

/** What the error table calls anything but a defect (an unreachable bus), or a `StartError`. */
function isExpected(error: unknown): boolean {
  const { code, category } = error as { code?: unknown; category?: unknown };
  return (
    code === START_REFUSED || category === 'retryable' || category === 'overloaded' || category === 'rejected'
  );
}
