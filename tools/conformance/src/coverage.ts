import type { Standard, Statement } from './standard.ts';

/** A test, by its project (`libs/mqtt`), its file in there, and its name. */
export interface NamedTest {
  readonly project: string;
  readonly file: string;
  readonly name: string;
  /** It shows what the hub does: it counts. */
  readonly counts: boolean;
}

export interface Covered {
  readonly statement: Statement;
  readonly tests: readonly NamedTest[];
}

export interface Coverage {
  readonly standard: Standard;
  readonly covered: readonly Covered[];
}

const TAG = /\[(MQTT\w*-[^\]]*)\]/g;

/** The clauses in a name, as they stand in its brackets. */
export function clausesOf(name: string): string[] {
  return [...name.matchAll(TAG)].map(([, clause = '']) => clause);
}

/** Which tests name which statement, and what is wrong with that. */
export function cover(
  standards: readonly Standard[],
  tests: readonly NamedTest[],
): { coverage: Coverage[]; faults: string[] } {
  const byClause = new Map<string, NamedTest[]>();
  for (const { prefix, statements } of standards)
    for (const { id } of statements) byClause.set(`${prefix}-${id}`, []);
  const faults: string[] = [];
  for (const test of tests)
    for (const clause of new Set(clausesOf(test.name))) {
      const named = byClause.get(clause);
      if (named === undefined)
        faults.push(`${test.project}/${test.file}: no statement is [${clause}]: ${test.name}`);
      else if (test.counts) named.push(test);
    }
  const coverage = standards.map((standard) => ({
    standard,
    covered: standard.statements.map((statement) => ({
      statement,
      tests: byClause.get(`${standard.prefix}-${statement.id}`)!,
    })),
  }));
  for (const { standard, covered } of coverage)
    for (const { statement, tests: named } of covered) {
      const clause = `[${standard.prefix}-${statement.id}]`;
      if (statement.reason === undefined && named.length === 0)
        faults.push(`${clause} has neither a test nor a reason: ${statement.text}`);
      if (statement.reason !== undefined && named.length > 0)
        faults.push(`${clause} has a reason for no test, and a test: ${named[0]!.name}`);
    }
  return { coverage, faults };
}
