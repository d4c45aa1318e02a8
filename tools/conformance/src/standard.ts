/** One normative statement of a standard. */
export interface Statement {
  /** As the standard numbers it, without `MQTT-`: `3.1.0-1`. */
  readonly id: string;
  /** What it says, in our words. */
  readonly text: string;
  /** Why no test names it; undefined: one has to. */
  readonly reason: string | undefined;
}

export interface Standard {
  readonly name: string;
  /** What its clauses begin with in the names of tests: `[MQTT-3.1.0-1]`, `[MQTT3-3.1.0-1]`. */
  readonly prefix: string;
  readonly statements: readonly Statement[];
}

const LINE = /^(\d+(?:\.\d+)+-\d+): (.+?)(?: \| (.+))?$/;

/** `client` in place of a reason. */
const CLIENT = 'an obligation of the client, which the hub can neither fulfil nor see broken';

/** Reads a list of statements: `id: text` or `id: text | reason`, `#` begins a comment. Throws on a line that is none, or an id twice. */
export function readStandard(name: string, prefix: string, list: string): Standard {
  const statements: Statement[] = [];
  const ids = new Set<string>();
  for (const line of list.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const found = LINE.exec(line);
    if (found === null) throw new Error(`${name}: not a statement: ${line}`);
    const [, id = '', text = '', reason] = found;
    if (ids.has(id)) throw new Error(`${name}: ${id} is there twice`);
    ids.add(id);
    statements.push({ id, text, reason: reason === 'client' ? CLIENT : reason });
  }
  return { name, prefix, statements };
}
