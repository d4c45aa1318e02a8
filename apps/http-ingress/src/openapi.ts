import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { DescribedSite } from '@trivium/message-contracts';
import type { FastifySchema } from 'fastify';
import type { TObject } from 'typebox';
import type { App } from './app.ts';

const DESCRIPTION =
  'Publish, subscribe and look at devices by HTTP. Topics are those of MQTT: what is published here reaches subscribers at every door.';

const SECURITY_SCHEMES = {
  basic: { type: 'http', scheme: 'basic', description: 'User name and password.' },
  bearer: { type: 'http', scheme: 'bearer', description: 'A JWT, or an API key.' },
  accessToken: {
    type: 'apiKey',
    in: 'query',
    name: 'access_token',
    description: 'The same; for event streams.',
  },
  certificate: { type: 'mutualTLS', description: 'A client certificate.' },
} as const;

const WAYS_IN: readonly Record<string, string[]>[] = [{}, { basic: [] }, { bearer: [] }, { certificate: [] }];

export interface DescribedApi {
  readonly version: string;
  readonly site: DescribedSite;
  /** Of HTTPS, where there is TLS. */
  readonly tlsPort: number;
}

/** `/openapi.json`, made of the schemas of the routes that are registered after this, and its viewer at `/docs`. */
export async function describeApi(app: App, { version, site, tlsPort }: DescribedApi): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Trivium',
        version,
        description: DESCRIPTION,
        license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'Where this was read' }, ...(site.tls.http ? [https(tlsPort)] : [])],
      security: waysIn(site, WAYS_IN),
      // Types of OpenAPI 3.0, which has no mutualTLS.
      components: { securitySchemes: SECURITY_SCHEMES as never },
      tags: [
        { name: 'messages', description: 'Publish and subscribe' },
        { name: 'commands', description: 'Call a device and get its reply' },
        { name: 'devices', description: 'Who is there' },
      ],
    },
    transformObject: (document) =>
      'openapiObject' in document ? inDialect2020(document.openapiObject) : document.swaggerObject,
    transform({ schema, url, route }) {
      const { security } = schema ?? {};
      const told = security === undefined ? schema : { ...schema, security: waysIn(site, security) };
      return describeRaw(told, url, route.method !== 'GET', route.config?.rawBody === true);
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { deepLinking: true, validatorUrl: null },
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

function https(port: number) {
  const variables = { host: { default: '127.0.0.1' }, port: { default: String(port) } };
  return { url: 'https://{host}:{port}', description: 'HTTPS: HTTP/2 and HTTP/1.1', variables };
}

/** The ways in of which one has to do: `{}`, none at all, only where nobody has to say who he is. */
function waysIn<T extends object>({ authRequired }: DescribedSite, all: readonly T[]): T[] {
  return all.filter((one) => !authRequired || Object.keys(one).length > 0);
}

const RAW_BODY = {
  consumes: ['*/*'],
  body: { type: 'string', format: 'binary', description: 'The payload: any bytes of any type, or none.' },
};

/** Of a route whose path ends in a topic, and whose body, if it takes one, is taken as it is: neither can Fastify's own schema say. */
function describeRaw(
  schema: FastifySchema,
  url: string,
  takesBody: boolean,
  isRaw: boolean,
): { schema: FastifySchema; url: string } {
  const params = schema?.params as TObject | undefined;
  if (isRaw) return { schema: { ...schema, ...RAW_BODY }, url };
  if (params === undefined || !url.endsWith('/*')) return { schema, url };
  const { '*': topic, ...others } = params.properties;
  const described = {
    ...schema,
    params: { type: 'object', properties: { ...others, topic }, required: ['topic'] },
    ...(takesBody ? RAW_BODY : {}),
  };
  return { schema: described, url: `${url.slice(0, -1)}:topic` };
}

/** Tuples as JSON Schema 2020-12 has them, the dialect of OpenAPI 3.1; TypeBox writes them as before. */
function inDialect2020<T>(node: T): T {
  if (Array.isArray(node)) return node.map(inDialect2020) as T;
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node);
  const tuple = entries.some(([name, value]) => name === 'items' && Array.isArray(value));
  return Object.fromEntries(
    entries.map(([name, value]) => [tuple ? (IN_TUPLES[name] ?? name) : name, inDialect2020(value)]),
  ) as T;
}

const IN_TUPLES: Readonly<Record<string, string>> = { items: 'prefixItems', additionalItems: 'items' };
