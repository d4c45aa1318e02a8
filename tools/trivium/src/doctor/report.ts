import type { Finding, Level } from './finding.ts';

/** A line for each finding, and one with what to do under those that are not well; then how many there are of each. */
export function report(findings: readonly Finding[], quiet: boolean): string {
  const shown = quiet ? findings.filter(({ level }) => level !== 'ok') : findings;
  const width = Math.max(0, ...shown.map(({ about }) => about.length));
  const lines = shown.flatMap(({ level, about, text, todo }) => {
    const indent = ' '.repeat(6 + width + 2);
    const first = `${level.padEnd(6)}${about.padEnd(width)}  ${text.replaceAll('\n', `\n${indent}`)}\n`;
    return todo === undefined ? [first] : [first, `${indent}→ ${todo}\n`];
  });
  const count = (level: Level): number => findings.filter((finding) => finding.level === level).length;
  return `${lines.join('')}${count('ok')} ok, ${count('warn')} warnings, ${count('fail')} failures${
    count('skip') === 0 ? '' : `, ${count('skip')} not looked at`
  }\n`;
}
