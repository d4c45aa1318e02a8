import type { ConfigIssue } from './config-issue.ts';

/** Rules across the settings that every service has. */
export function baseRules(config: unknown): ConfigIssue[] {
  const { drain } = config as { drain?: { graceMs: number; forceMs: number } };
  if (drain === undefined || drain.forceMs > drain.graceMs) return [];
  const message = `expected more than drain.graceMs (${drain.graceMs}), got ${drain.forceMs}`;
  return [{ source: 'TRIVIUM_DRAIN_FORCE_MS', setting: 'drain.forceMs', message }];
}
