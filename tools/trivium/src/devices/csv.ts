import { CommandError } from '../command.ts';

/** The rows of CSV (RFC 4180): fields may be quoted, a quote in them is doubled; empty lines are none. Throws a `CommandError`. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  const endRow = (): void => {
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  };
  while (at < text.length) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at);
    row.push(field.value);
    at = field.end;
    if (text[at] === ',') {
      at++;
      // A comma at the very end has an empty field behind it.
      if (at === text.length) row.push('');
      continue;
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    endRow();
  }
  if (row.length > 0) endRow();
  return rows;
}

interface Field {
  readonly value: string;
  readonly end: number;
}

function plainField(text: string, from: number): Field {
  let end = from;
  while (end < text.length && !',\r\n'.includes(text[end]!)) end++;
  return { value: text.slice(from, end), end };
}

function quotedField(text: string, from: number): Field {
  let value = '';
  for (let at = from + 1; ;) {
    const quote = text.indexOf('"', at);
    if (quote === -1) throw new CommandError('CSV: a quote is not closed');
    value += text.slice(at, quote);
    const next = text[quote + 1];
    if (next === undefined || ',\r\n'.includes(next)) return { value, end: quote + 1 };
    if (next !== '"') throw new CommandError('CSV: there is something between a quote and the comma');
    value += '"';
    at = quote + 2;
  }
}

/** One row. */
export function csvRow(fields: readonly string[]): string {
  return `${fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')}\n`;
}
