/** One of the names that a certificate says its owner has as well; `type` as Node names it: `DNS`, `URI`, `email`, … */
export interface AlternativeName {
  readonly type: string;
  readonly value: string;
}

const ONE = /([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^",]*)(, |$)/y;

/**
 * Of the text that Node makes of them: `DNS:a, URI:"b, c"`, a value that could be mistaken for something else as a JSON string. Undefined:
 * it cannot be read, so that nobody's name is taken out of the middle of something.
 */
export function alternativeNames(text: string): AlternativeName[] | undefined {
  const names: AlternativeName[] = [];
  ONE.lastIndex = 0;
  while (ONE.lastIndex < text.length) {
    const match = ONE.exec(text);
    if (match === null) return undefined;
    const [, type, value] = match as unknown as [string, string, string];
    try {
      names.push({ type, value: value.startsWith('"') ? (JSON.parse(value) as string) : value });
    } catch {
      return undefined;
    }
  }
  return names;
}
