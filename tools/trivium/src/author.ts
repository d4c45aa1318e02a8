import { hostname, userInfo } from 'node:os';
import type { Author } from '@trivium/identity';

/** As the audit names whoever calls the tool. */
export function author(): Author {
  return { principal: `${userName()}@${hostname()}`, service: 'trivium' };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // In containers a user id may have no name.
    return String(process.getuid?.() ?? 'unknown');
  }
}
