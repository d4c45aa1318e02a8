/** What became of connections before their protocol began. Plain numbers: counting costs an increment. */
export interface ListenerStats {
  /** Connections that have not finished their PROXY header or TLS handshake, now. */
  shakingHands: number;
  /** Connections refused, by the limit that they were over. */
  overLimit: Record<string, number>;
  /** Connections of balancers without a PROXY header, or with a broken one. */
  proxyRefused: number;
  /** TLS handshakes that failed. */
  handshakesFailed: number;
  /** Connections closed because their handshake took too long, or others waited for the place. */
  handshakesCutOff: number;
  /** Clients put out for their certificate, or the lack of one. */
  certificatesRefused: number;
}

export function createListenerStats(): ListenerStats {
  return {
    shakingHands: 0,
    overLimit: {},
    proxyRefused: 0,
    handshakesFailed: 0,
    handshakesCutOff: 0,
    certificatesRefused: 0,
  };
}

/** The numbers as metrics, for `registerCounters` of `@trivium/telemetry`; `of` names the number. */
export const LISTENER_METRICS = {
  'trivium.listener.shaking.hands': {
    description: 'Connections that have not finished their PROXY header or TLS handshake, now',
    kind: 'gauge',
    of: 'shakingHands',
  },
  'trivium.listener.over.limit': {
    description: 'Connections refused because their source has too many or makes them too fast',
    label: 'limit',
    of: 'overLimit',
  },
  'trivium.listener.proxy.refused': {
    description: 'Connections of balancers without a PROXY header, or with a broken one',
    of: 'proxyRefused',
  },
  'trivium.listener.handshakes.failed': { description: 'TLS handshakes that failed', of: 'handshakesFailed' },
  'trivium.listener.handshakes.cut.off': {
    description: 'Connections closed because their handshake took too long, or others waited for the place',
    of: 'handshakesCutOff',
  },
  'trivium.listener.certificates.refused': {
    description: 'Clients put out for their certificate, or the lack of one',
    of: 'certificatesRefused',
  },
} as const satisfies Record<
  string,
  { description: string; kind?: 'gauge'; label?: string; of: keyof ListenerStats }
>;
