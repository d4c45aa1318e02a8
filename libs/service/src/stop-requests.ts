/**
 * Tells of every request to stop: `SIGTERM`, `SIGINT`, and `parent gone` when the launcher at the other end of the IPC
 * channel has died, so that no service outlives it.
 */
export function onStopRequests(stop: (reason: string) => void): void {
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  if (process.send === undefined) return;
  process.on('disconnect', () => stop('parent gone'));
  if (!process.connected) stop('parent gone');
}
