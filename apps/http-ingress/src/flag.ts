import { Type } from 'typebox';

/** A yes or no in a query. */
export const Flag = (description: string) =>
  Type.Union(
    ['0', '1', 'false', 'true'].map((value) => Type.Literal(value)),
    { description },
  );

export function isSet(flag: string | undefined): boolean {
  return flag === '1' || flag === 'true';
}
