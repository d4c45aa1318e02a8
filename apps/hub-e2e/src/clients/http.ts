import { EventSource } from 'eventsource';
import type { PublishingDoor, Received, SubscribingDoor, TestProperties } from './client.ts';
import { received as receivedFrom } from './trivium-ws.ts';

/** `fetch` on the AWS form of the publish call. */
export function httpPublisher(): PublishingDoor {
  return {
    name: 'HTTP',
    qos: [0, 1],
    saysNo: 'always',
    carriesProperties: true,
    async publish(hub, messages) {
      for (const { topic, payload, qos, retain = false, properties } of messages) {
        const own =
          properties === undefined ? '' : `&responseTopic=${encodeURIComponent(properties.responseTopic)}`;
        const query = `qos=${qos}&retain=${retain}${own}`;
        const url = `http://${hub.host}:${hub.http}/topics/${encodeURIComponent(topic)}?${query}`;
        const response = await fetch(url, {
          method: 'POST',
          headers: {
            'content-type': properties?.contentType ?? 'application/octet-stream',
            ...(properties === undefined ? {} : awsHeaders(properties)),
          },
          body: Buffer.from(payload),
        });
        const answer = (await response.json()) as { message?: string };
        if (response.status !== 200 || answer.message !== 'OK')
          throw new Error(`refused: ${response.status} ${JSON.stringify(answer)}`);
      }
    },
  };
}

function awsHeaders({ correlationData, userProperties }: TestProperties): Record<string, string> {
  const pairs = userProperties.map(([name, value]) => ({ [name]: value }));
  return {
    'x-amz-mqtt5-correlation-data': correlationData,
    'x-amz-mqtt5-user-properties': Buffer.from(JSON.stringify(pairs)).toString('base64'),
  };
}

/** All messages in one request, as lines of JSON. */
export function httpBatchPublisher(): PublishingDoor {
  return {
    name: 'HTTP batch',
    qos: [0, 1],
    saysNo: 'always',
    carriesProperties: true,
    async publish(hub, messages) {
      const lines = messages.map(({ payload, properties, ...rest }) => {
        const { contentType, ...others } = properties ?? {};
        return JSON.stringify({
          ...rest,
          payloadBase64: Buffer.from(payload).toString('base64'),
          ...(contentType === undefined ? {} : { contentType, properties: others }),
        });
      });
      const response = await fetch(`http://${hub.host}:${hub.http}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: lines.join('\n'),
      });
      const answers = (await response.text()).trim().split('\n');
      const refused = answers.filter((line) => !(JSON.parse(line) as { ok: boolean }).ok);
      if (response.status !== 207 || answers.length !== messages.length || refused.length > 0)
        throw new Error(`refused: ${response.status} ${refused.join(' ')}`);
    },
  };
}

/** Server-Sent Events by the `eventsource` package. */
export function sseSubscriber(): SubscribingDoor {
  return {
    name: 'SSE',
    qos: [0, 1],
    tellsProperties: true,
    async subscribe(hub, filter, qos) {
      const query = `filter=${encodeURIComponent(filter)}&qos=${qos}&retained=true`;
      const url = `http://${hub.host}:${hub.http}/v1/stream?${query}`;
      const source = new EventSource(url);
      const received: Received[] = [];
      source.addEventListener('message', (event) =>
        received.push(receivedFrom(JSON.parse(String(event.data)) as Record<string, unknown>)),
      );
      await new Promise<void>((resolve, reject) => {
        source.addEventListener('open', () => resolve(), { once: true });
        source.addEventListener('error', (event) => reject(new Error(`SSE: ${event.message}`)), {
          once: true,
        });
      });
      return { received, [Symbol.asyncDispose]: () => Promise.resolve(source.close()) };
    },
  };
}
