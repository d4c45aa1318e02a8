/** The value of an option. Throws for anything but a whole number of `least` or more. */
export function wholeNumber(name: string, value: string, least: number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < least)
    throw new Error(`${name} wants a whole number of ${least} or more, not "${value}"`);
  return number;
}
