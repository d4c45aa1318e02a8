/** What a request may call itself: short, and nothing that breaks a header or a line of a log. */
const ALLOWED = /^[A-Za-z0-9._:=+/@-]{1,128}$/;

/** The id that the caller, or a proxy before us, gave the request; `undefined` when there is none that can be kept. */
export function requestIdOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && ALLOWED.test(header) ? header : undefined;
}
