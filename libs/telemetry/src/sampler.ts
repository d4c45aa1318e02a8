import { SamplingDecision, trace, TraceFlags, createContextKey, type Context } from '@opentelemetry/api';

/** Set in the context of a root span whose sampling was decided before it was begun. */
export const SAMPLED_AT_DOOR = createContextKey('trivium sampled at door');

export interface SamplerSettings {
  /** Follow the sampled flag of the parent where there is one. */
  parentBased: boolean;
  /** Share of traces that are sampled where no parent decides, 0 to 1. */
  ratio: number;
}

export interface Sampler {
  shouldSample(context: Context, traceId: string): { decision: SamplingDecision };
  toString(): string;
}

/**
 * OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG: always_on, always_off, traceidratio and the three parentbased_… forms.
 * Default, and for what is not understood: parentbased_always_on.
 */
export function samplerSettings(env: Readonly<Record<string, string | undefined>>): SamplerSettings {
  const name = env['OTEL_TRACES_SAMPLER']?.trim() || 'parentbased_always_on';
  const kind = name.replace(/^parentbased_/, '');
  const parentBased = name !== kind;
  switch (kind) {
    case 'always_on':
      return { parentBased, ratio: 1 };
    case 'always_off':
      return { parentBased, ratio: 0 };
    case 'traceidratio':
      return { parentBased, ratio: ratioOf(env['OTEL_TRACES_SAMPLER_ARG']) };
    default:
      return { parentBased: true, ratio: 1 };
  }
}

function ratioOf(text: string | undefined): number {
  const ratio = text === undefined || text.trim() === '' ? 1 : Number(text);
  return ratio >= 0 && ratio <= 1 ? ratio : 1;
}

/** The decision of the standard samplers, by the last 7 bytes of the trace id as W3C Trace Context level 2 has it. */
export function createSampler({ parentBased, ratio }: SamplerSettings): Sampler {
  const yes = { decision: SamplingDecision.RECORD_AND_SAMPLED };
  const no = { decision: SamplingDecision.NOT_RECORD };
  const threshold = (1 - ratio) * 2 ** 56;
  return {
    shouldSample(context, traceId) {
      const parent = trace.getSpanContext(context);
      if (parent !== undefined && parentBased)
        return (parent.traceFlags & TraceFlags.SAMPLED) === 0 ? no : yes;
      if (context.getValue(SAMPLED_AT_DOOR) === true) return yes;
      if (ratio === 0) return no;
      return Number.parseInt(traceId.slice(18), 16) >= threshold ? yes : no;
    },
    toString: () => `TriviumSampler{parentBased=${parentBased},ratio=${ratio}}`,
  };
}

/**
 * Decides for messages that begin a trace without making an id or an object: counts down a random gap whose length is
 * geometric, so that each message is picked independently with probability `ratio`.
 */
export function createGapSampler(ratio: number, random: () => number = Math.random): () => boolean {
  if (ratio <= 0) return () => false;
  if (ratio >= 1) return () => true;
  const scale = 1 / Math.log(1 - ratio);
  const gap = () => Math.floor(Math.log(1 - random()) * scale);
  let left = gap();
  return () => {
    if (left-- > 0) return false;
    left = gap();
    return true;
  };
}
