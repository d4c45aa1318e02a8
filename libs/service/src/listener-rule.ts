import { isIPv4, isIPv6 } from 'node:net';
import type { ConfigIssue } from './config-issue.ts';
import { variableName } from './setting.ts';

export interface ListenerRule {
  /** Path of the host setting, `mqtt.host`. */
  setting: string;
  host: string;
  allowAnonymous: boolean;
  /** Some way for clients to authenticate is configured on this listener. */
  hasAuthentication: boolean;
}

/** A listener beyond loopback must not start without authentication, unless anonymous clients are allowed expressly. */
export function checkListener({
  setting,
  host,
  allowAnonymous,
  hasAuthentication,
}: ListenerRule): ConfigIssue | undefined {
  if (hasAuthentication || allowAnonymous || isLoopback(host)) return undefined;
  return {
    source: variableName(setting.split('.')),
    setting,
    message:
      `listens on ${host}, beyond loopback, and no authentication is configured; ` +
      'listen on 127.0.0.1, configure authentication, or let anybody in with TRIVIUM_ALLOW_ANONYMOUS=true',
  };
}

/** 127.0.0.0/8, ::1 and localhost; other names are not resolved and count as beyond loopback. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (isIPv4(bare)) return bare.startsWith('127.');
  if (isIPv6(bare)) return /^(0*:)*:?0*1$/.test(bare) || /^::ffff:127\./.test(bare);
  return bare === 'localhost';
}
