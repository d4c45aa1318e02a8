import { accept, refuse, type Result } from '@trivium/contracts';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { RE2JS } from 're2js';
import { guarded, STEP, type JsonSchema } from './schema-rules.ts';

/** What is wrong with a value: where, as a JSON pointer, and what. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

export interface CompiledSchema {
  /** The first fault; undefined: the value fits. Never throws. */
  fault(value: unknown): Fault | undefined;
  /** What the schema says that has no effect. */
  readonly warnings: readonly string[];
}

export interface SchemaCompiler {
  compile(schema: JsonSchema): Result<CompiledSchema>;
}

/** References followed for one payload. */
const MAX_STEPS = 100_000;

class TooManySteps extends Error {}

/**
 * Compiles JSON Schema 2020-12 (with the formats of its appendix) to functions. Patterns run on RE2, in linear time whatever the payload:
 * no back-references and no look-around.
 */
export function createSchemaCompiler(): SchemaCompiler {
  let steps = 0;
  let warnings: string[] = [];
  const warn = (message: unknown): void => void warnings.push(String(message));
  const ajv = new Ajv2020({
    ...{ strictSchema: 'log', strictTypes: false, strictTuples: false, strictRequired: false },
    ...{ inlineRefs: false },
    logger: { log: warn, warn, error: warn },
    code: { regExp },
  });
  formats.default(ajv);
  ajv.addKeyword({
    ...{ keyword: STEP, schemaType: 'boolean', before: '$ref', errors: false },
    validate() {
      if (++steps > MAX_STEPS) throw new TooManySteps();
      return true;
    },
  });

  const run = (validate: ValidateFunction, value: unknown): Fault | undefined => {
    steps = 0;
    try {
      return validate(value) ? undefined : faultOf(validate.errors?.[0]);
    } catch (error) {
      if (error instanceof TooManySteps) return { path: '', message: 'takes too many steps to check' };
      if (error instanceof RangeError) return { path: '', message: 'is nested too deeply' };
      throw error;
    }
  };

  return {
    compile(schema) {
      const safe = guarded(schema);
      if ('error' in safe) return { ok: false, error: safe.error };
      warnings = [];
      try {
        const validate = ajv.compile(safe.schema);
        return accept({ fault: (value) => run(validate, value), warnings });
      } catch (error) {
        return refuse('payload.invalid', (error as Error).message);
      } finally {
        if (typeof safe.schema === 'object') ajv.removeSchema(safe.schema);
      }
    },
  };
}

/** For ajv: it asks nothing but `test`, and knows patterns apart by their text. */
const regExp = Object.assign(
  (pattern: string) => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return { test: (text: string) => compiled.test(text), toString: () => `/${pattern}/` };
  },
  { code: 'RE2JS' },
);

function faultOf(error: ErrorObject | undefined): Fault {
  if (error === undefined) return { path: '', message: 'does not fit' };
  const { instancePath, message = 'does not fit', params } = error;
  return { path: instancePath, message: `${message}${detail(params as Record<string, unknown>)}` };
}

/** What ajv's own words leave out. */
function detail(params: Record<string, unknown>): string {
  const { additionalProperty, unevaluatedProperty, propertyName, allowedValues, allowedValue } = params;
  const name = additionalProperty ?? unevaluatedProperty ?? propertyName;
  if (name !== undefined) return `: ${String(name)}`;
  if (Array.isArray(allowedValues))
    return `: ${allowedValues.map((value) => JSON.stringify(value)).join(', ')}`;
  return allowedValue === undefined ? '' : `: ${JSON.stringify(allowedValue)}`;
}
