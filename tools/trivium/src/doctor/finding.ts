/** `skip`: it could not be looked at. */
export type Level = 'ok' | 'warn' | 'fail' | 'skip';

export interface Finding {
  /** What was looked at. */
  readonly about: string;
  readonly level: Level;
  /** What is so, and what that means. */
  readonly text: string;
  /** What to do about it. */
  readonly todo?: string;
}

export const ok = (about: string, text: string): Finding => ({ about, level: 'ok', text });
export const skip = (about: string, text: string): Finding => ({ about, level: 'skip', text });
export const warn = (about: string, text: string, todo: string): Finding => ({
  about,
  level: 'warn',
  text,
  todo,
});
export const fail = (about: string, text: string, todo: string): Finding => ({
  about,
  level: 'fail',
  text,
  todo,
});

const NAMED = 5;

/** `a, b, c and 4 more`. */
export function some(names: readonly string[]): string {
  const named = names.slice(0, NAMED).join(', ');
  return names.length > NAMED ? `${named} and ${names.length - NAMED} more` : named;
}
