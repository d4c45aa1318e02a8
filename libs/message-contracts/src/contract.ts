import { isUtf8 } from 'node:buffer';
import {
  accept,
  ContractRecord,
  check,
  parseFilter,
  refuse,
  type Result,
  type TopicFilter,
} from '@trivium/contracts';
import type { CompiledSchema, SchemaCompiler } from './schema-compiler.ts';
import { violationOf, type Violation } from './violation.ts';

/** A contract, ready to check messages. */
export interface Contract {
  readonly record: ContractRecord;
  readonly filter: TopicFilter;
  /** What its schema says that has no effect. */
  readonly warnings: readonly string[];
  /** How a message breaks it; undefined: it does not. Parses the payload when there is a schema. */
  violation(payload: Uint8Array, contentType: string | undefined): Violation | undefined;
}

/** The contract in a record from anywhere, or why it is none. */
export function compileContract(raw: unknown, compiler: SchemaCompiler): Result<Contract> {
  const record = check(ContractRecord, raw);
  if (!record.ok) return record;
  const { name, filter: rawFilter, schema: rawSchema, contentType, onViolation } = record.value;
  const filter = parseFilter(rawFilter);
  if (!filter.ok) return filter;
  const media = contentType === undefined ? undefined : mediaType(contentType);
  if (media === '') return refuse('payload.invalid', 'contentType is no media type');
  let schema: CompiledSchema | undefined;
  if (rawSchema !== undefined) {
    const compiled = compiler.compile(rawSchema as boolean | Record<string, unknown>);
    if (!compiled.ok) return refuse('payload.invalid', `schema: ${compiled.error.message}`);
    schema = compiled.value;
  }
  const broken = (path: string, what: string): Violation => violationOf(name, onViolation, path, what);
  return accept({
    record: record.value,
    filter: filter.value,
    warnings: schema?.warnings ?? [],
    violation(payload, said) {
      if (media !== undefined && said !== undefined && mediaType(said) !== media)
        return broken('', `is ${said}, not ${contentType}`);
      if (schema === undefined) return undefined;
      if (!isUtf8(payload)) return broken('', 'is not UTF-8');
      let value: unknown;
      try {
        value = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString());
      } catch {
        return broken('', 'is not JSON');
      }
      const fault = schema.fault(value);
      return fault === undefined ? undefined : broken(fault.path, fault.message);
    },
  });
}

/** Without parameters, in lower case: what two content types have to have in common. */
function mediaType(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}
