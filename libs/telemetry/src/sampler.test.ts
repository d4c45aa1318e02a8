import { ROOT_CONTEXT, SamplingDecision, trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { createGapSampler, createSampler, SAMPLED_AT_DOOR, samplerSettings } from './sampler.ts';

const { NOT_RECORD, RECORD_AND_SAMPLED } = SamplingDecision;
const traceId = '0af7651916cd43dd8448eb211c80319c';
const parent = (traceFlags: number) =>
  trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: 'b7ad6b7169203331', traceFlags, isRemote: true });

describe('samplerSettings', () => {
  it.each([
    [{}, true, 1],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, false, 0],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, true, 0],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }, false, 0.25],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.01' }, true, 0.01],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '7' }, true, 1],
    [{ OTEL_TRACES_SAMPLER: 'nonsense' }, true, 1],
  ])('%o', (env, parentBased, ratio) => {
    expect(samplerSettings(env)).toEqual({ parentBased, ratio });
  });
});

describe('createSampler', () => {
  it('follows the parent when it is parent-based, whatever the ratio', () => {
    expect(createSampler({ parentBased: true, ratio: 0 }).shouldSample(parent(1), traceId).decision).toBe(
      RECORD_AND_SAMPLED,
    );
    expect(createSampler({ parentBased: true, ratio: 1 }).shouldSample(parent(0), traceId).decision).toBe(
      NOT_RECORD,
    );
  });

  it('decides by the trace id alone when it is not, so that every process decides alike', () => {
    const sampler = createSampler({ parentBased: false, ratio: 0.5 });
    expect(sampler.shouldSample(parent(0), `${'0'.repeat(18)}ffffffffffffff`).decision).toBe(
      RECORD_AND_SAMPLED,
    );
    expect(sampler.shouldSample(parent(1), `${'f'.repeat(18)}00000000000000`).decision).toBe(NOT_RECORD);
  });

  it('takes a decision made at the door', () => {
    const sampler = createSampler({ parentBased: true, ratio: 0.001 });
    const decided = ROOT_CONTEXT.setValue(SAMPLED_AT_DOOR, true);
    expect(sampler.shouldSample(decided, `${'f'.repeat(18)}00000000000000`).decision).toBe(
      RECORD_AND_SAMPLED,
    );
  });

  it.each([0, 1])('is certain at ratio %i', (ratio) => {
    const sampler = createSampler({ parentBased: false, ratio });
    for (const end of ['00000000000000', '7fffffffffffff', 'ffffffffffffff']) {
      const { decision } = sampler.shouldSample(ROOT_CONTEXT, `${'0'.repeat(18)}${end}`);
      expect(decision).toBe(ratio === 0 ? NOT_RECORD : RECORD_AND_SAMPLED);
    }
  });
});

describe('createGapSampler', () => {
  /** A fixed linear congruential sequence in [0, 1). */
  function sequence() {
    let state = 42;
    return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
  }

  it.each([0.5, 0.1, 0.01])('picks a share of %d', (ratio) => {
    const pick = createGapSampler(ratio, sequence());
    let picked = 0;
    for (let i = 0; i < 100_000; i += 1) if (pick()) picked += 1;
    expect(picked / 100_000 / ratio).toBeGreaterThan(0.9);
    expect(picked / 100_000 / ratio).toBeLessThan(1.1);
  });

  it('picks none at 0 and all at 1', () => {
    expect(createGapSampler(0)()).toBe(false);
    expect(createGapSampler(1)()).toBe(true);
  });

  it('may pick two in a row', () => {
    const pick = createGapSampler(0.5, () => 0.1);
    expect([pick(), pick()]).toEqual([true, true]);
  });
});
