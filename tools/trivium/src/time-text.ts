/** To the second, as ISO 8601 has it; empty for none. */
export function timeText(ms: number | undefined): string {
  return ms === undefined ? '' : `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
