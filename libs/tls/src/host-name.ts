/** What is there for a host name that a client asks for: its own entry, else that of `*.` and all but its first level. */
export function entryOfHost<T>(entries: ReadonlyMap<string, T>, host: string): T | undefined {
  const name = host.toLowerCase().replace(/\.$/, '');
  return entries.get(name) ?? entries.get(name.replace(/^[^.]+/, '*'));
}
