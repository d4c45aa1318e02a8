import { UsageError } from './command.ts';

/** The claims in `name=value` texts. Throws a `UsageError` for what is none. */
export function claimsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new UsageError(`--claim is name=value, not ${text}`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
