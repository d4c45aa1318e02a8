import { constants, Http2ServerResponse } from 'node:http2';

/**
 * An answer over HTTP/2 that tells of its end as one over HTTP/1.1 does, and whose cutting off cannot be taken for its end. Node's types
 * have these accessors as members of the base, which is no Writable in truth and lacks them.
 */
export class Http2Answer extends Http2ServerResponse {
  // @ts-expect-error see above
  override get closed(): boolean {
    return this.stream.closed;
  }

  // @ts-expect-error see above
  override get destroyed(): boolean {
    return this.stream.closed || this.stream.destroyed;
  }

  /** Node would say NO_ERROR, which to the client is a whole answer [RFC9113-8.1]. */
  override destroy(): this {
    this.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return this;
  }
}
