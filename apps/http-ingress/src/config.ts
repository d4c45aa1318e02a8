import { DEFAULT_TOPIC_LIMITS } from '@trivium/contracts';
import { authSection } from '@trivium/identity';
import { listenerSections, proxyFaults } from '@trivium/listener';
import { checkListener, serviceSchema } from '@trivium/service';
import { doorTlsSettings, tlsFaults } from '@trivium/tls';
import { Type, type Static } from 'typebox';

const count = (fallback: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: fallback, minimum, maximum, description });

/** `http`: the listener and the limits of HTTP clients. Bytes and milliseconds. */
export const httpSection = Type.Object(
  {
    host: Type.String({ default: '127.0.0.1', minLength: 1, description: 'Address of the HTTP listener' }),
    port: count(8080, 0, 65_535, 'Port of the HTTP listener; 0 takes a free one'),
    ...doorTlsSettings(8443, 'HTTPS'),
    origins: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Web pages that may call from a browser, as origins (https://app.example), or *; empty: none (no CORS)',
    }),
    maxBodyBytes: count(1_048_576, 1, 8_000_000, 'Largest request body; a larger one is refused with 413'),
    maxBatchBytes: count(
      67_108_864,
      1,
      1_073_741_824,
      'Largest body of a batch; of one payload in it: maxBodyBytes',
    ),
    maxBatchItems: count(10_000, 1, 1_000_000, 'Messages in one batch'),
    maxOpenPublishes: count(
      1_000,
      1,
      16_384,
      'Messages of one batch that may wait to be stored; then no more of it is read',
    ),
    maxClientIdBytes: count(1_024, 23, 65_535, 'Longest client id'),
    maxTopicBytes: count(
      DEFAULT_TOPIC_LIMITS.maxTopicBytes,
      1,
      16_384,
      'Longest topic or topic filter; a longer topic is refused with 414',
    ),
    maxTopicLevels: count(DEFAULT_TOPIC_LIMITS.maxTopicLevels, 1, 65_535, 'Deepest topic or topic filter'),
    maxUrlBytes: count(
      57_344,
      1_024,
      1_048_576,
      'Longest address of a request; a longer one is refused with 414',
    ),
    maxRequestsPerSecond: count(
      0,
      0,
      1_000_000,
      'Requests of one client in the mean; more are refused with 429. 0: no limit. Who says no client id is known by its address',
    ),
    maxStreams: count(10_000, 1, 10_000_000, 'Event streams of one process; more are refused with 429'),
    maxStreamsPerClient: count(
      1_000,
      1,
      10_000_000,
      'Event streams of one client; more are refused with 429. Who says no client id is known by its address',
    ),
    maxFilters: count(100, 1, 10_000, 'Topic filters of one event stream'),
    maxOutputBytes: count(
      1_048_576,
      65_536,
      1_073_741_824,
      'Bytes waiting for one stream to read; then live messages are dropped and durable ones wait in the log',
    ),
    slowTimeoutMs: count(30_000, 1_000, 3_600_000, 'A stream that has not read for this long is cut off'),
    heartbeatMs: count(15_000, 1_000, 3_600_000, 'A stream without an event gets a comment after this'),
    retryMs: count(2_000, 0, 3_600_000, 'What streams tell their clients to wait before they connect again'),
    maxPollingDevices: count(10_000, 1, 10_000_000, 'Devices that ask one process for their commands'),
    pollGraceMs: count(
      15_000,
      1_000,
      600_000,
      'A device that asks for its commands is away when it has not asked for this long',
    ),
    keepAliveTimeoutMs: count(75_000, 1_000, 3_600_000, 'An idle connection is closed after this'),
    headersTimeoutMs: count(
      10_000,
      1_000,
      3_600_000,
      'A request whose headers have not arrived by then is refused with 408; at most requestTimeoutMs',
    ),
    requestTimeoutMs: count(
      30_000,
      1_000,
      3_600_000,
      'A request that has not arrived by then is refused with 408',
    ),
  },
  { description: 'HTTP: the listener and the limits of HTTP clients' },
);

export type HttpConfig = Static<typeof httpSection>;

/** The settings of this service: the shared ones, `http`, those of every listener, and who may call. */
export const configSchema = serviceSchema(9103, {
  ...{ http: httpSection, auth: authSection },
  ...listenerSections,
});
export type Config = Static<typeof configSchema>;

/** Rules across settings. */
export function checkConfig({ http, auth, tls, proxy, allowAnonymous }: Config) {
  return [
    checkListener({
      setting: 'http.host',
      host: http.host,
      allowAnonymous,
      hasAuthentication: auth.required,
    }),
    ...tlsFaults({ section: 'http', door: http, tls }),
    ...proxyFaults(proxy),
  ];
}
