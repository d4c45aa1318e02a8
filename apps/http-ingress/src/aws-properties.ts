import { accept, refuse, type Properties, type Result } from '@trivium/contracts';

type Pairs = NonNullable<Properties['userProperties']>;

/** The headers of the AWS IoT data plane for what an MQTT 5 message says about itself. */
export const AWS_HEADERS = {
  userProperties: 'x-amz-mqtt5-user-properties',
  payloadFormat: 'x-amz-mqtt5-payload-format-indicator',
  correlationData: 'x-amz-mqtt5-correlation-data',
} as const;

/** The properties in these headers, as the AWS SDKs write them. */
export function propertiesFromAws(
  get: (header: string) => string | undefined,
): Result<Pick<Properties, 'userProperties' | 'payloadFormat' | 'correlationData'>> {
  const properties: { userProperties?: Pairs; payloadFormat?: 0 | 1; correlationData?: Uint8Array } = {};
  const pairs = get(AWS_HEADERS.userProperties);
  if (pairs !== undefined) {
    const read = readPairs(pairs);
    if (read === undefined)
      return malformed(AWS_HEADERS.userProperties, 'base64 of JSON like [{"name":"value"}]');
    if (read.length > 0) properties.userProperties = read;
  }
  const format = get(AWS_HEADERS.payloadFormat);
  if (format !== undefined) {
    if (format !== 'UTF8_DATA' && format !== 'UNSPECIFIED_BYTES')
      return malformed(AWS_HEADERS.payloadFormat, 'UTF8_DATA or UNSPECIFIED_BYTES');
    properties.payloadFormat = format === 'UTF8_DATA' ? 1 : 0;
  }
  const correlation = get(AWS_HEADERS.correlationData);
  if (correlation !== undefined) {
    const bytes = fromBase64(correlation);
    if (bytes === undefined) return malformed(AWS_HEADERS.correlationData, 'base64');
    properties.correlationData = bytes;
  }
  return accept(properties);
}

/** Base64 of a JSON array of objects with one member each; names may repeat. */
export function userPropertiesToAws(pairs: Pairs): string {
  return Buffer.from(JSON.stringify(pairs.map(([name, value]) => ({ [name]: value })))).toString('base64');
}

function malformed(header: string, form: string): Result<never> {
  return refuse('payload.invalid', `${header} is ${form}`);
}

/** One SDK writes the array, another one a JSON string that holds its text. */
function readPairs(text: string): Pairs | undefined {
  const bytes = fromBase64(text);
  if (bytes === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof json === 'string') json = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (!Array.isArray(json)) return undefined;
  const pairs: [string, string][] = [];
  for (const object of json as unknown[]) {
    if (typeof object !== 'object' || object === null || Array.isArray(object)) return undefined;
    for (const [name, value] of Object.entries(object)) {
      if (typeof value !== 'string') return undefined;
      pairs.push([name, value]);
    }
  }
  return pairs;
}

function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
