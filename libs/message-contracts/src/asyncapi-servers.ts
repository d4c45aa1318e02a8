type Json = Record<string, unknown>;

/** What a site has set that shows in how one connects. */
export interface DescribedSite {
  /** Nobody gets in without credentials. */
  readonly authRequired: boolean;
  /** Listeners with TLS ask for certificates of clients. */
  readonly clientCertificates: boolean;
  /** The doors that have a listener with TLS. */
  readonly tls: { readonly mqtt: boolean; readonly ws: boolean; readonly http: boolean };
}

export const PLAIN_SITE: DescribedSite = {
  authRequired: false,
  clientCertificates: false,
  tls: { mqtt: false, ws: false, http: false },
};

const SCHEMES = {
  password: { type: 'userPassword', description: 'User name and password.' },
  passwordKey: {
    ...{ type: 'apiKey', in: 'password' },
    description: 'An API key, or a JWT, in the place of the password.',
  },
  scram: { type: 'scramSha256', description: 'AUTH of MQTT 5.' },
  basic: { type: 'http', scheme: 'basic', description: 'User name and password.' },
  bearer: { type: 'http', scheme: 'bearer', description: 'A JWT, or an API key.' },
  accessToken: {
    ...{ type: 'httpApiKey', name: 'access_token', in: 'query' },
    description: 'A JWT, or an API key, from who cannot set headers: for event streams and WebSockets.',
  },
  certificate: { type: 'X509', description: 'A client certificate.' },
} as const;

type Scheme = keyof typeof SCHEMES;

interface Listener {
  readonly door: keyof DescribedSite['tls'];
  /** Without TLS, and with it: where `npm start` listens; a site says its own. */
  readonly ports: readonly [number, number];
  readonly protocols: readonly [string, string];
  readonly description: string;
  /** By what a client may say who it is, beside a certificate. */
  readonly schemes: readonly Scheme[];
  readonly protocolVersion?: string;
}

const OF_MQTT = ['password', 'passwordKey', 'scram'] as const;
const OF_HTTP = ['basic', 'bearer', 'accessToken'] as const;

const LISTENERS = {
  mqtt: {
    ...{ door: 'mqtt', ports: [1883, 8883], protocols: ['mqtt', 'mqtts'], protocolVersion: '5' },
    ...{ description: 'MQTT 3.1, 3.1.1 and 5 over TCP', schemes: OF_MQTT },
  },
  mqttWebSocket: {
    ...{ door: 'ws', ports: [8083, 8084], protocols: ['ws', 'wss'], schemes: [...OF_MQTT, ...OF_HTTP] },
    description: 'MQTT over WebSocket, subprotocol mqtt; any path',
  },
  websocket: {
    ...{ door: 'ws', ports: [8083, 8084], protocols: ['ws', 'wss'], schemes: OF_HTTP },
    description: 'trivium.v1: JSON frames, subprotocol trivium.v1; any path',
  },
  http: {
    ...{ door: 'http', ports: [8080, 8443], protocols: ['http', 'https'], schemes: OF_HTTP },
    description: 'HTTP, described by itself at /openapi.json',
  },
} as const satisfies Record<string, Listener>;

export type ListenerName = keyof typeof LISTENERS;

export const LISTENER_NAMES = Object.keys(LISTENERS) as ListenerName[];

export interface DescribedServers {
  readonly servers: Json;
  /** References to those of a listener: without TLS, and with it where there is one. */
  of(name: ListenerName): readonly Json[];
  /** Those that servers name; none where nobody has to say who he is. */
  readonly securitySchemes: Json;
}

/** Where one connects, and by what one says there who one is. */
export function describedServers(site: DescribedSite): DescribedServers {
  const servers: Json = {};
  const used = new Set<Scheme>();
  const refs = new Map<ListenerName, Json[]>();

  const add = (name: ListenerName, isTls: boolean): void => {
    const { ports, protocols, description, schemes, ...rest }: Listener = LISTENERS[name];
    const index = isTls ? 1 : 0;
    const proofs: Scheme[] = site.authRequired ? [...schemes] : [];
    if (site.authRequired && site.clientCertificates && isTls) proofs.push('certificate');
    for (const scheme of proofs) used.add(scheme);
    const id = isTls ? `${name}Tls` : name;
    servers[id] = {
      ...{ host: `{host}:${ports[index]}`, protocol: protocols[index] },
      description: isTls ? `${description}; TLS` : description,
      variables: { host: { default: '127.0.0.1' } },
      ...(rest.protocolVersion === undefined ? {} : { protocolVersion: rest.protocolVersion }),
      ...(proofs.length === 0
        ? {}
        : { security: proofs.map((scheme) => ({ $ref: `#/components/securitySchemes/${scheme}` })) }),
    };
    refs.set(name, [...(refs.get(name) ?? []), { $ref: `#/servers/${id}` }]);
  };

  for (const name of LISTENER_NAMES) {
    add(name, false);
    if (site.tls[LISTENERS[name].door]) add(name, true);
  }
  return {
    servers,
    of: (name) => refs.get(name)!,
    securitySchemes: Object.fromEntries([...used].map((scheme) => [scheme, SCHEMES[scheme]])),
  };
}
