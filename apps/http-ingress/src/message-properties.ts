import { checkProperties, parseTopic, refuse, type Properties, type Result } from '@trivium/contracts';
import type { TopicLimits } from '@trivium/contracts';
import type { FastifyRequest } from 'fastify';
import { propertiesFromAws } from './aws-properties.ts';
import { contentTypeOf } from './content-type.ts';

/** What a request says about the message that it publishes, beside topic and payload. */
export interface PropertiesQuery {
  readonly contentType?: string;
  readonly responseTopic?: string;
  /** Seconds. */
  readonly messageExpiry?: number;
}

/** The properties of the message, from query, headers and body type. */
export function messageProperties(
  { headers, bodyType }: Pick<FastifyRequest, 'headers' | 'bodyType'>,
  query: PropertiesQuery,
  nowMs: number,
  limits: TopicLimits,
): Result<Properties> {
  const { responseTopic, messageExpiry } = query;
  if (responseTopic !== undefined) {
    const checked = parseTopic(responseTopic, limits);
    if (!checked.ok) return refuse(checked.error.code, `responseTopic: ${checked.error.message}`);
  }
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const aws = propertiesFromAws(header);
  if (!aws.ok) return aws;
  const contentType = contentTypeOf(query.contentType, bodyType);
  const traceparent = header('traceparent');
  const tracestate = header('tracestate');
  return checkProperties({
    ...aws.value,
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(messageExpiry === undefined ? {} : { expiresAt: nowMs + messageExpiry * 1000 }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(traceparent === undefined || tracestate === undefined ? {} : { tracestate }),
  });
}
