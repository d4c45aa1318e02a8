import { payloadFromJson, type JsonPayloadIn } from '@trivium/contracts';

const NEW_LINE = Buffer.from('\n');

/** What is printed for a `msg` object of `trivium.v1`: its own text in one line, or the payload's bytes, with the topic before them or alone. */
export function messageLine(data: string, form: 'json' | 'verbose' | 'payload'): Buffer {
  // Line breaks within JSON are blanks.
  if (form === 'json') return Buffer.from(`${data.replaceAll('\n', ' ')}\n`);
  const message = JSON.parse(data) as JsonPayloadIn & { topic: string };
  const payload = payloadFromJson(message, data);
  const bytes = payload.ok ? payload.value : new Uint8Array(0);
  return Buffer.concat([Buffer.from(form === 'verbose' ? `${message.topic} ` : ''), bytes, NEW_LINE]);
}
