import type { SourceRefusal } from '@trivium/limits';
import { refusalText } from './refuse-upgrade.ts';

const MESSAGES: Readonly<Record<SourceRefusal['limit'], string>> = {
  connectionsPerSource: 'too many connections from this address are open',
  connectsPerSecondPerSource: 'too many connections from this address in a short time',
};

/** What a connection over a limit of its source is told, whatever it was about to ask. */
export function tooMany({ limit, retryAfterMs }: SourceRefusal): string {
  return refusalText({ code: 'rate.limited', message: MESSAGES[limit], retryAfterMs });
}
