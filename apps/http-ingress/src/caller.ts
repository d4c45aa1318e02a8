import {
  accept,
  refuse,
  type Message,
  type PublicError,
  type Result,
  type TopicAction,
} from '@trivium/contracts';
import {
  createRights,
  requestCredentials,
  type Identity,
  type Principal,
  type Rights,
} from '@trivium/identity';
import type { MessageRates } from '@trivium/limits';
import { isLoopback } from '@trivium/service';
import type { FastifyRequest } from 'fastify';
import { clientIdOf } from './client-id.ts';
import type { Clock } from '@trivium/clock';
import type { KnownAccess } from './known-access.ts';
import type { HttpStats } from './stats.ts';

/** Who a request is from, and what of it may be done. A request may take long: it is asked anew each time whether that still holds. */
export interface Caller {
  readonly principal: Principal;
  /** Of the header `x-client-id`, else the name of the principal; undefined: nobody in particular. */
  readonly client: string | undefined;
  readonly rights: Rights;
  /** As whom its requests and streams are counted: where it comes from says who is anonymous and names no client id. */
  readonly counted: string;
  /** Why it may not do this to a topic; undefined: it may. */
  refusalOf(action: TopicAction, topic: string): PublicError | undefined;
  /** Why it may not publish this now: to this topic, or so much; undefined: it may, and has. */
  refusalOfPublish(message: Pick<Message, 'topic' | 'retain' | 'payload'>): PublicError | undefined;
  /** Why it may not do what administrators do; undefined: it may. */
  refusalOfAdmin(): PublicError | undefined;
}

export interface CallerOptions {
  identity: Identity;
  known: KnownAccess;
  maxClientIdBytes: number;
  /** The listener can be reached from this machine only. */
  loopback: boolean;
  clock: Pick<Clock, 'now'>;
  rates: MessageRates | undefined;
  stats: Pick<HttpStats, 'publishesDenied' | 'publishesLimited'>;
}

/** The only path on which a token may stand in the query: `EventSource` sets no headers. */
const TOKEN_PATH = '/v1/stream';

/** Who the request is from; at once where nothing has to be computed. Never rejects. */
export function callerOf(
  request: FastifyRequest,
  options: CallerOptions,
): Result<Caller> | Promise<Result<Caller>> {
  const { identity, known, maxClientIdBytes, loopback } = options;
  const token = tokenOf(request);
  if (!token.ok) return token;
  const credentials = requestCredentials(request.raw, token.value);
  if (!credentials.ok) return credentials;
  const client = clientIdOf(request.headers['x-client-id'], maxClientIdBytes);
  if (!client.ok) return client;
  const source = {
    // A balancer on this machine brings callers from others to a listener on loopback.
    ...{ address: request.ip, loopback: loopback && isLoopback(request.ip) },
    ...(client.value === undefined ? {} : { client: client.value }),
  };
  const admit = (signedIn: Result<Principal>): Result<Caller> => {
    if (!signedIn.ok) return signedIn;
    const principal = signedIn.value;
    const id = client.value ?? (principal.by === 'nothing' ? undefined : principal.name);
    const access = known.of(principal, id);
    if (!access.ok) return access;
    const counted = id === undefined ? request.ip : `${principal.name}\0${id}`;
    const rights = createRights(identity, access.value);
    return accept(createCaller({ principal, client: id, rights, counted }, options));
  };
  const signedIn = identity.signIn(credentials.value, source);
  return signedIn instanceof Promise ? signedIn.then(admit) : admit(signedIn);
}

function tokenOf({ query, raw }: FastifyRequest): Result<string | undefined> {
  const { access_token: token } = query as { access_token?: unknown };
  if (token === undefined || raw.url?.split('?', 1)[0] !== TOKEN_PATH) return accept(undefined);
  return typeof token === 'string' ? accept(token) : refuse('auth.failed', 'access_token is given twice');
}

function createCaller(
  who: Pick<Caller, 'principal' | 'client' | 'rights' | 'counted'>,
  { clock, rates, stats }: Pick<CallerOptions, 'clock' | 'rates' | 'stats'>,
): Caller {
  const { rights, principal, counted } = who;
  const refusalOf: Caller['refusalOf'] = (action, topic) => {
    if (!rights.holds(clock.now())) return NOT_ANY_MORE;
    const { access } = rights;
    return access.unrestricted || access.may(action, topic) ? undefined : NOT_THIS[action];
  };
  return {
    ...who,
    refusalOf,
    refusalOfPublish({ topic, retain, payload }) {
      const denied = refusalOf('publish', topic) ?? (retain ? refusalOf('retain', topic) : undefined);
      if (denied !== undefined) {
        stats.publishesDenied++;
        return denied;
      }
      if (rates === undefined) return undefined;
      const from = { connection: counted, principal: principal.name };
      const retryAfterMs = rates.take(from, payload.length, clock.now());
      if (retryAfterMs === 0) return undefined;
      stats.publishesLimited++;
      return {
        code: 'rate.limited',
        message: 'too many messages, or bytes of them, in a second',
        retryAfterMs,
      };
    },
    refusalOfAdmin() {
      if (!rights.holds(clock.now())) return NOT_ANY_MORE;
      return rights.access.mayAdminister ? undefined : FOR_ADMINISTRATORS;
    },
  };
}

const denied = (message: string): PublicError => refuse('auth.denied', message).error;
const NOT_ANY_MORE = denied('you may not do this any more');
const FOR_ADMINISTRATORS = denied('this is for administrators');
const NOT_THIS: Readonly<Record<TopicAction, PublicError>> = {
  publish: denied('you may not publish to this topic'),
  retain: denied('you may not retain messages of this topic'),
  subscribe: denied('you may not subscribe to this topic'),
  receive: denied('you may not receive messages of this topic'),
  command: denied('you may not send this command to this device'),
  shadow: denied('you may not use this shadow'),
};
