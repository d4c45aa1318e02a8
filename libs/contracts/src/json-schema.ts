import { Compile } from 'typebox/compile';
import { accept, refuse } from './result.ts';
import { fromUtf8, toUtf8 } from './utf8.ts';
import type { Static, TSchema } from 'typebox';
import type { Validator } from 'typebox/compile';
import type { Result } from './result.ts';

/** Compiled once per schema object; forgotten with it. */
const compiled = new WeakMap<TSchema, Validator>();

function validator(schema: TSchema): Validator {
  let found = compiled.get(schema);
  if (found === undefined) {
    found = Compile(schema) as Validator;
    compiled.set(schema, found);
  }
  return found;
}

/** The value, typed, when it fits the schema; else `payload.invalid` naming the first member that does not. */
export function check<T extends TSchema>(schema: T, value: unknown): Result<Static<T>> {
  const checker = validator(schema);
  if (checker.Check(value)) return accept(value as Static<T>);
  const [first] = checker.Errors(value);
  return refuse(
    'payload.invalid',
    first === undefined ? 'does not fit' : `${first.instancePath || 'it'} ${first.message}`,
  );
}

/** UTF-8 JSON of a value that the schema's type describes. */
export function encodeJson<T extends TSchema>(_schema: T, value: Static<T>): Uint8Array {
  return toUtf8(JSON.stringify(value));
}

/** The checked value of UTF-8 JSON, else `payload.invalid`. Unknown members pass: a later version may have added them. */
export function decodeJson<T extends TSchema>(schema: T, bytes: Uint8Array): Result<Static<T>> {
  const text = fromUtf8(bytes);
  if (text === undefined) return refuse('payload.invalid', 'not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('payload.invalid', 'not JSON');
  }
  return check(schema, value);
}
