import { UsageError } from './command.ts';

/** From 1. Throws a `UsageError`; `name`: the option that says it. */
export function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new UsageError(`--${name} is a whole number from 1`);
  return number;
}
