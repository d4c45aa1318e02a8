import { EventSource } from 'eventsource';
import type { PublishingDoor, Received, SubscribingDoor } from './client.ts';
import { received as receivedFrom } from './trivium-ws.ts';

/** `fetch` on the AWS form of the publish call. */
export function httpPublisher(): PublishingDoor {
  return {
    name: 'HTTP',
    qos: [0, 1],
    async publish(hub, messages) {
      for (const { topic, payload, qos, retain = false } of messages) {
        const query = `qos=${qos}&retain=${retain}`;
        const url = `http://${hub.host}:${hub.http}/topics/${encodeURIComponent(topic)}?${query}`;
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/octet-stream' },
          body: Buffer.from(payload),
        });
        const answer = (await response.json()) as { message?: string };
        if (response.status !== 200 || answer.message !== 'OK')
          throw new Error(`refused: ${response.status} ${JSON.stringify(answer)}`);
      }
    },
  };
}

/** Server-Sent Events by the `eventsource` package. */
export function sseSubscriber(): SubscribingDoor {
  return {
    name: 'SSE',
    qos: [0, 1],
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
