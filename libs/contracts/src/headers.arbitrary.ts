import fc from 'fast-check';
import { text } from './topic.arbitrary.ts';
import type { HeaderAll, HeaderGet } from './headers.ts';
import type { Properties } from './message.ts';

/** Reads a header block as the NATS clients do: names as they are, values trimmed. Throws for what is no header block. */
export function headerReader(block: Uint8Array | undefined): {
  get: HeaderGet;
  all: HeaderAll;
  names: string[];
} {
  const values = new Map<string, string[]>();
  if (block !== undefined) {
    const lines = new TextDecoder('utf-8', { fatal: true }).decode(block).split('\r\n');
    if (lines.shift() !== 'NATS/1.0' || lines.pop() !== '' || lines.pop() !== '')
      throw new Error('no header block');
    for (const line of lines) {
      const at = line.indexOf(':');
      if (at < 1 || !/^[\x20-\x7e]+$/.test(line)) throw new Error(`no header line: ${JSON.stringify(line)}`);
      const name = line.slice(0, at);
      values.set(name, [...(values.get(name) ?? []), line.slice(at + 1).trim()]);
    }
  }
  return {
    get: (name) => values.get(name)?.[0],
    all: (name) => values.get(name) ?? [],
    names: [...values.keys()],
  };
}

/** Text that headers and their readers find hard. */
export const headerText = fc.oneof(
  text,
  fc.constantFrom(
    '',
    ' ',
    '  a  ',
    '%',
    '%20',
    '=',
    'a=b',
    '\r\n',
    'x\r\nTv-Cl: evil',
    'a: b',
    '\t',
    '\ufeff',
    'ü',
    '😀',
    '\u00a0',
  ),
);

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });

export const properties: fc.Arbitrary<Properties> = fc.record(
  {
    contentType: headerText,
    responseTopic: headerText,
    correlationData: fc.uint8Array({ maxLength: 20 }),
    payloadFormat: fc.constantFrom<(0 | 1)[]>(0, 1),
    expiresAt: fc.maxSafeNat(),
    userProperties: fc.array(fc.tuple(headerText, headerText), { minLength: 1, maxLength: 4 }),
    traceparent: fc.tuple(hex(32), hex(16)).map(([trace, span]) => `00-${trace}-${span}-01`),
    tracestate: fc.constantFrom('vendor=value', 'a=1,b=2%3', 'x@y=z'),
  },
  { requiredKeys: [] },
);
