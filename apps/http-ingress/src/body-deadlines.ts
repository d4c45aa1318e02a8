import { constants, type Http2ServerRequest } from 'node:http2';

/** Requests over HTTP/2 whose body has still to arrive; Node has time-outs for those over HTTP/1.1 only. */
export interface BodyDeadlines {
  readonly size: number;
  add(request: Http2ServerRequest, nowMs: number): void;
  /** Resets those that have not arrived in time, and no other of their connection. */
  tick(nowMs: number): void;
}

export function createBodyDeadlines(requestTimeoutMs: number): BodyDeadlines {
  /** In the order of their beginning. */
  const begun = new Map<Http2ServerRequest, number>();
  function forget(this: Http2ServerRequest): void {
    begun.delete(this);
  }

  return {
    get size() {
      return begun.size;
    },
    add(request, nowMs) {
      begun.set(request, nowMs);
      request.once('end', forget);
      request.once('close', forget);
    },
    tick(nowMs) {
      for (const [request, sinceMs] of begun) {
        if (nowMs - sinceMs < requestTimeoutMs) return;
        begun.delete(request);
        request.stream.close(constants.NGHTTP2_CANCEL);
      }
    },
  };
}
