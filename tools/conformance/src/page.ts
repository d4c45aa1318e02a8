import type { Coverage, Covered, NamedTest } from './coverage.ts';

const HEAD = `# Conformance

Every normative statement of MQTT 5 and MQTT 3.1.1, in our words, with the tests that name it, or the reason why none does.
Written by \`npm run generate -w @trivium/conformance\`; do not edit. Tests of the stock aedes at its own door do not count here.
`;

/** The page, as Markdown. */
export function page(coverage: readonly Coverage[]): string {
  const totals = [
    '| standard | statements | named by tests | not, for a reason | tests |',
    '| --- | --- | --- | --- | --- |',
    ...coverage.map(({ standard, covered }) => {
      const tested = covered.filter(({ tests }) => tests.length > 0);
      const tests = new Set(tested.flatMap((one) => one.tests));
      return `| ${standard.name} | ${covered.length} | ${tested.length} | ${covered.length - tested.length} | ${tests.size} |`;
    }),
  ];
  const tables = coverage.map(({ standard, covered }) =>
    [
      `## ${standard.name}`,
      '',
      '| statement | what it says | tests, or why none |',
      '| --- | --- | --- |',
      ...covered.map(
        (one) => `| ${standard.prefix}-${one.statement.id} | ${cell(one.statement.text)} | ${third(one)} |`,
      ),
      '',
    ].join('\n'),
  );
  return [HEAD, totals.join('\n'), '', ...tables].join('\n');
}

function third({ statement, tests }: Covered): string {
  return tests.length === 0 ? `_${cell(statement.reason ?? '')}_` : tests.map(entry).join('<br>');
}

function entry({ project, file, name }: NamedTest): string {
  return `\`${project}\` ${file.replace(/^src\//, '').replace(/\.test\.ts$/, '')}: ${cell(name)}`;
}

/** Without clauses, on one line, safe in a table. */
function cell(text: string): string {
  return text
    .replace(/\s*\[MQTT\w*-[^\]]*\]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\|<>*_[\]`]/g, (mark) => `\\${mark}`);
}
