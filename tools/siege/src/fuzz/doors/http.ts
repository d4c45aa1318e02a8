import { pick } from '../../random.ts';
import { PATIENCE_MS, type FuzzedDoor } from '../door.ts';
import { openLine } from '../line.ts';
import { mutate } from '../mutate.ts';

function request(line: string, body = '', ...headers: string[]): Buffer {
  const all = [
    'Host: siege',
    ...headers,
    ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return Buffer.from(`${line} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${body}`);
}

const JSON_TYPE = 'Content-Type: application/json';
const BATCH =
  '[{"topic":"siege/a","payload":1,"qos":1},{"topic":"siege/b","payloadBase64":"AAEC","retain":false}]';
const LINES = '{"topic":"siege/a","payload":1}\n{"topic":"siege/b","payload":"x","qos":0}\n';

const REQUESTS = [
  request('POST /topics/siege/a?qos=1', 'payload'),
  request('POST /topics/siege%2Fb?qos=0&messageExpiry=5&contentType=text/plain', 'x', 'Idempotency-Key: k1'),
  request('POST /v1/messages', BATCH, JSON_TYPE),
  request('POST /v1/messages', LINES, 'Content-Type: application/x-ndjson'),
  request('GET /v1/stream?filter=siege/%23&from=0', '', 'Last-Event-ID: 3'),
  request('GET /retainedMessage/siege/a'),
  request('GET /retainedMessage?maxResults=3'),
  request('POST /v1/devices/nobody/commands/reboot?timeout=1s', '{}', JSON_TYPE),
  request('GET /v1/devices/me/commands?wait=0s', '', 'x-client-id: siege-poller'),
  request('PUT /v1/devices/siege', '{"description":"x","attributes":{"a":1}}', JSON_TYPE),
  request('GET /v1/devices?limit=2'),
  request('GET /openapi.json', '', 'Authorization: Basic YTpi'),
  request('POST /topics/siege/c', '', 'Transfer-Encoding: chunked', 'Authorization: Bearer eyJ.eyJ.a'),
  Buffer.from(
    'POST /topics/siege/d?qos=1 HTTP/1.1\r\nHost: siege\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  ),
];

/** HTTP/1.1: mutated requests, one a connection, for after one nobody knows where the next begins. */
export function httpDoor(host: string, port: number): FuzzedDoor {
  return {
    name: 'http',
    service: 'http-ingress',
    async open() {
      const line = await openLine(host, port);
      return {
        get open() {
          return line.open;
        },
        async send(random) {
          line.write(mutate(pick(random, REQUESTS), random));
          const fate = await line.heard((came) => came.includes('HTTP/1.1 '), PATIENCE_MS);
          line.drop();
          return fate;
        },
        drop: () => line.drop(),
      };
    },
  };
}
