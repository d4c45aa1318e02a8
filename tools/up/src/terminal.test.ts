import { describe, expect, it } from 'vitest';
import { createStopSignals } from './stop-signals.ts';
import { createTerminal } from './terminal.ts';

describe('terminal', () => {
  it('counts instead of showing when one process floods it', () => {
    let now = 0;
    const lines: string[] = [];
    const terminal = createTerminal(
      (text) => void lines.push(text),
      () => now,
    );
    for (let n = 0; n < 50; n += 1) terminal.fromLog('router', 'warn', `w${n}`);
    terminal.fromLog('ws-ingress', 'error', 'other');
    now = 1000;
    terminal.fromLog('router', 'warn', 'later');
    expect(lines).toHaveLength(23);
    expect(lines.at(-2)).toMatch(/^router +… 30 more lines in its log\n$/);
    expect(lines.at(-1)).toMatch(/^router +warn +later\n$/);
  });
});

describe('requests to stop', () => {
  it('tells a second key press from the echo of the first', () => {
    let now = 0;
    const seen: string[] = [];
    const onSignal = createStopSignals(
      { stop: (signal) => void seen.push(signal), force: () => void seen.push('force') },
      () => now,
    );
    onSignal('SIGINT');
    now = 500;
    onSignal('SIGINT');
    expect(seen).toEqual(['SIGINT']);
    now = 501;
    onSignal('SIGTERM');
    expect(seen).toEqual(['SIGINT', 'force']);
  });
});
