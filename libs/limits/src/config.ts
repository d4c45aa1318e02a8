import { Type, type Static } from 'typebox';

const count = (fallback: number, maximum: number, description: string) =>
  Type.Integer({ default: fallback, minimum: 0, maximum, description: `${description}. 0: no limit` });

/** `limits`: what one source, one principal and one connection may ask of one process, whatever it speaks. */
export const limitsSection = Type.Object(
  {
    connectionsPerSource: count(
      20_000,
      10_000_000,
      'Connections from one address (IPv6: from one network of 64 bits) that are open at once',
    ),
    connectsPerSecondPerSource: count(
      2_000,
      1_000_000,
      'New connections from one address in the mean; five seconds’ worth may come at once',
    ),
    connectionsPerPrincipal: count(0, 10_000_000, 'Connections of one principal that are open at once'),
    messagesPerSecond: count(0, 10_000_000, 'Messages that one connection may publish in the mean'),
    bytesPerSecond: count(0, 10_000_000_000, 'Bytes of messages that one connection may publish in the mean'),
    maxHandshakes: Type.Integer({
      default: 2_000,
      minimum: 1,
      maximum: 1_000_000,
      description:
        'Connections that have not finished their PROXY header or TLS handshake; with one more, the one that has taken longest is closed',
    }),
    messagesPerSecondPerPrincipal: count(
      0,
      10_000_000,
      'Messages that one principal may publish in the mean, over all its connections',
    ),
  },
  { description: 'What one source, one principal and one connection may ask of one process' },
);

export type LimitsConfig = Static<typeof limitsSection>;

/** For whoever is made without the section. */
export const NO_LIMITS: LimitsConfig = {
  maxHandshakes: 2_000,
  connectionsPerSource: 0,
  connectsPerSecondPerSource: 0,
  connectionsPerPrincipal: 0,
  messagesPerSecond: 0,
  bytesPerSecond: 0,
  messagesPerSecondPerPrincipal: 0,
};
