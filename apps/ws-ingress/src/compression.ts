import type { WebSocket } from 'ws';

/** Whether what is sent to this client goes through permessage-deflate [RFC7692-5]: it leaves later than it is written, in order. */
export function isCompressing(ws: WebSocket): boolean {
  return ws.extensions.includes('permessage-deflate');
}
