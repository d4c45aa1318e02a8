import { parseAllDocuments } from 'yaml';
import { CommandError } from './command.ts';
import { readFile } from './read-file.ts';

/** The values in a YAML or JSON file: one, a list of them, or several YAML documents. Throws a `CommandError` for what cannot be read. */
export function documentsIn(file: string): unknown[] {
  const documents = parseAllDocuments(readFile(file).toString());
  if ('empty' in documents) throw new CommandError(`${file}: there is nothing in it`);
  return documents.flatMap((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) throw new CommandError(`${file}: ${fault.message}`);
    // Few aliases: a file of some lines must not become one of gigabytes.
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return Array.isArray(value) ? (value as unknown[]) : [value];
  });
}

/** In files the version may be left out. */
export function withVersion(raw: unknown): unknown {
  return typeof raw === 'object' && raw !== null ? { v: 1, ...raw } : raw;
}
