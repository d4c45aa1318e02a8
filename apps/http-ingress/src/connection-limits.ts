import type { HttpConfig } from './config.ts';

/** Room for headers beside the address. */
const HEADER_BYTES = 16_384;

/** What Node's server holds connections of HTTP/1.1 to, on either listener. */
export function connectionLimits(
  config: Pick<HttpConfig, 'maxUrlBytes' | 'headersTimeoutMs' | 'requestTimeoutMs' | 'keepAliveTimeoutMs'>,
) {
  return {
    maxHeaderSize: config.maxUrlBytes + HEADER_BYTES,
    headersTimeout: Math.min(config.headersTimeoutMs, config.requestTimeoutMs),
    requestTimeout: config.requestTimeoutMs,
    keepAliveTimeout: config.keepAliveTimeoutMs,
    connectionsCheckingInterval: 2_000,
  };
}
