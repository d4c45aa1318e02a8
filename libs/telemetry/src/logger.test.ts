import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';
import { startTelemetry, type Telemetry } from './start.ts';

function recorder(level?: string) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const options = { service: 'mqtt-ingress', instance: 'i1', destination };
  const logger = createLogger(level === undefined ? options : { ...options, level });
  return { logger, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown>, lines };
}

describe('createLogger', () => {
  let telemetry: Telemetry | undefined;
  afterEach(() => telemetry?.shutdown());

  it('writes one JSON line with level, time, service and instance', () => {
    const { logger, last, lines } = recorder();
    logger.info({ peer: '10.0.0.1' }, 'connected');
    expect(last()).toMatchObject({
      level: 'info',
      service: 'mqtt-ingress',
      instance: 'i1',
      peer: '10.0.0.1',
      msg: 'connected',
    });
    expect(Date.parse(String(last()['time']))).toBeGreaterThan(0);
    expect(lines[0]?.endsWith('}\n')).toBe(true);
  });

  it('leaves out what is below the level', () => {
    const { logger, lines } = recorder('warn');
    logger.info('nothing');
    expect(lines).toEqual([]);
  });

  it('prints secrets as *** in fields, bindings, errors and messages', () => {
    const { logger, lines } = recorder();
    logger.info({ headers: { authorization: 'Bearer hunter2' } }, 'request');
    logger.child({ token: 'hunter2' }).info('child');
    logger.error(new Error('cannot reach nats://me:hunter2@10.0.0.1'));
    logger.info('from wss://me:hunter2@hub/?access_token=hunter2');
    expect(lines).toHaveLength(4);
    expect(lines.join('')).not.toContain('hunter2');
    for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  it('writes an error with type, message and stack', () => {
    const { logger, last } = recorder();
    logger.error({ err: new TypeError('no') }, 'failed');
    expect(last()['err']).toMatchObject({ type: 'TypeError', message: 'no' });
  });

  it('adds the ids of the active span', () => {
    telemetry = startTelemetry({ service: 's', version: '1', instance: 'i', env: {} });
    const { logger, last } = recorder();
    const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
    context.with(trace.setSpanContext(ROOT_CONTEXT, { ...ids, traceFlags: 1 }), () => logger.info('inside'));
    expect(last()).toMatchObject({ trace_id: ids.traceId, span_id: ids.spanId });
    logger.info('outside');
    expect(last()).not.toHaveProperty('trace_id');
  });
});
