import { JsonMessage, type ContractRecord } from '@trivium/contracts';
import { addressOf } from './asyncapi-address.ts';
import { withinComponents } from './asyncapi-schema.ts';
import {
  describedServers,
  LISTENER_NAMES,
  PLAIN_SITE,
  type DescribedServers,
  type DescribedSite,
  type ListenerName,
} from './asyncapi-servers.ts';

type Json = Record<string, unknown>;

export interface AsyncApiOptions {
  readonly contracts: readonly ContractRecord[];
  readonly version: string;
  /** Unless given: no TLS, and nobody has to say who he is. */
  readonly site?: DescribedSite;
}

const DESCRIPTION =
  'One hub, three doors: what is published at any of them reaches subscribers at every other. Channels are the topics that the site has ' +
  'contracts for, and the hub’s own; all other topics carry any payload.';

const ref = (to: string): Json => ({ $ref: `#/${to}` });

/** The hub as an AsyncAPI 3 document, seen from the hub: it receives what is published and sends it to subscribers. */
export function asyncApi({ contracts, version, site = PLAIN_SITE }: AsyncApiOptions): Json {
  const servers = describedServers(site);
  const own = hubChannels(servers);
  const all = LISTENER_NAMES.flatMap(servers.of);
  return {
    asyncapi: '3.0.0',
    info: {
      ...{ title: 'Trivium', version, description: DESCRIPTION },
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      tags: [
        { name: 'contract', description: 'Topics that the site has a contract for' },
        { name: 'hub', description: 'What every hub has' },
      ],
    },
    servers: servers.servers,
    channels: {
      ...Object.fromEntries(contracts.map((each) => [each.name, channelOf(each, all)])),
      ...own.channels,
    },
    operations: { ...Object.assign({}, ...contracts.map(operationsOf)), ...own.operations },
    components: {
      ...(site.authRequired ? { securitySchemes: servers.securitySchemes } : {}),
      schemas: {
        'trivium.JsonMessage': plain(JsonMessage),
        ...Object.fromEntries(
          contracts.flatMap(({ name, schema }) =>
            schema === undefined ? [] : [[name, withinComponents(name, objectOf(plain(schema)))]],
          ),
        ),
      },
    },
  };
}

function channelOf(
  { name, filter, schema, contentType, owner, description, onViolation }: ContractRecord,
  servers: readonly Json[],
): Json {
  const { address, parameters } = addressOf(filter);
  const isJson = schema !== undefined || contentType !== undefined;
  return {
    address,
    title: name,
    ...(description === undefined ? {} : { description }),
    servers,
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
    messages: {
      [name]: {
        name,
        ...(isJson ? { contentType: contentType ?? 'application/json' } : {}),
        ...(schema === undefined ? {} : { payload: ref(`components/schemas/${name}`) }),
        bindings: { mqtt: { bindingVersion: '0.2.0' }, http: { bindingVersion: '0.3.0' } },
      },
    },
    tags: [{ name: 'contract' }],
    'x-topic-filter': filter,
    'x-on-violation': onViolation,
    ...(owner === undefined ? {} : { 'x-owner': owner }),
  };
}

/** Publishing to, and subscribing to, the topics of a contract. */
function operationsOf({ name }: ContractRecord): Json {
  const channel = ref(`channels/${name}`);
  const messages = [ref(`channels/${name}/messages/${name}`)];
  const mqtt = { qos: 1, bindingVersion: '0.2.0' };
  return {
    [`publish.${name}`]: {
      ...{ action: 'receive', channel, messages, summary: `Publish to the topics of ${name}` },
      bindings: { mqtt, http: { method: 'POST', bindingVersion: '0.3.0' } },
    },
    [`subscribe.${name}`]: {
      ...{ action: 'send', channel, messages, summary: `Subscribe to the topics of ${name}` },
      bindings: { mqtt, http: { method: 'GET', bindingVersion: '0.3.0' } },
    },
  };
}

/** Beside the topics: how one publishes and subscribes where topics are no addresses, and commands. */
function hubChannels({ of }: DescribedServers): { channels: Json; operations: Json } {
  const topic = { description: 'Any topic, slashes raw or as %2F.' };
  const anything = {};
  const enveloped = {
    contentType: 'application/json',
    payload: ref('components/schemas/trivium.JsonMessage'),
  };
  const device = { description: 'The client id of the device.' };
  const command = { device, name: { description: 'The name of the command.' } };
  const channel = (address: string, listeners: ListenerName[], message: Json, more: Json = {}): Json => ({
    address,
    servers: listeners.flatMap(of),
    messages: { message },
    tags: [{ name: 'hub' }],
    ...more,
  });
  const operation = (action: string, name: string, summary: string, more: Json = {}): Json => ({
    ...{ action, channel: ref(`channels/${name}`), messages: [ref(`channels/${name}/messages/message`)] },
    ...{ summary, ...more },
  });
  const http = (method: string): Json => ({ bindings: { http: { method, bindingVersion: '0.3.0' } } });
  const query = {
    type: 'object',
    properties: {
      clientId: { type: 'string', description: 'Who the client is; one is assigned without it.' },
    },
  };
  const websocket = { bindings: { ws: { method: 'GET', query, bindingVersion: '0.1.0' } } };
  return {
    channels: {
      'trivium.publish': channel('/topics/{topic}', ['http'], anything, { parameters: { topic } }),
      'trivium.stream': channel('/v1/stream', ['http'], enveloped, {
        description: 'Server-Sent Events: `data` of the events `message` is the message.',
      }),
      'trivium.v1': channel('/', ['websocket'], enveloped, {
        description: 'Frames `pub` and `msg` of trivium.v1 are the message with `op`, and `id` or `pos`.',
        ...websocket,
      }),
      'trivium.command': channel('cmd/{device}/{name}', ['mqtt', 'mqttWebSocket'], anything, {
        description: 'A command to one device, which gets it without a subscription.',
        parameters: command,
      }),
      'trivium.reply': channel('cmd/{device}/{name}/{requestId}/reply', ['mqtt', 'mqttWebSocket'], anything, {
        parameters: { ...command, requestId: { description: 'Of the command.' } },
      }),
    },
    operations: {
      'trivium.publish': operation('receive', 'trivium.publish', 'Publish the body', http('POST')),
      'trivium.stream': operation('send', 'trivium.stream', 'Subscribe', http('GET')),
      'trivium.v1.pub': operation('receive', 'trivium.v1', 'Publish'),
      'trivium.v1.msg': operation('send', 'trivium.v1', 'What was subscribed to'),
      'trivium.command': operation('send', 'trivium.command', 'A command to a device', {
        reply: { channel: ref('channels/trivium.reply') },
      }),
    },
  };
}

/** A schema without what its library keeps in it. */
function plain<T>(schema: T): T {
  return JSON.parse(JSON.stringify(schema)) as T;
}

/** AsyncAPI has no room for a schema that is `true` or `false`. */
function objectOf(schema: object | boolean): object {
  if (typeof schema === 'object') return schema;
  return schema ? {} : { not: {} };
}
