const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** `1.5 GB`. */
export function bytesText(bytes: number): string {
  let [amount, unit] = [bytes, 0];
  for (; amount >= 1_000 && unit < UNITS.length - 1; unit++) amount /= 1_000;
  return `${amount < 10 && unit > 0 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit]}`;
}

export const percentText = (part: number): string => `${Math.round(part * 100)} %`;

/** With thousands apart. */
export const countText = (count: number): string => count.toLocaleString('en');
