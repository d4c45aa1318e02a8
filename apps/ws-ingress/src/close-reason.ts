/** [RFC6455-5.5]: a close frame has 125 bytes, two of them for the code. */
const MAX_REASON_BYTES = 123;

/** At most what a close frame holds, cut between characters. */
export function closeReason(reason: string): string {
  let end = reason.length;
  while (Buffer.byteLength(reason.slice(0, end)) > MAX_REASON_BYTES) end--;
  return reason.slice(0, end).toWellFormed();
}
