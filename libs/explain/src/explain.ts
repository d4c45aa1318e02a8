import { matches, type PolicyAction, type TopicFilter } from '@trivium/contracts';
import { bySpecificity } from '@trivium/message-contracts';
import type { Explanation } from './explanation.ts';
import { gatherFacts, type Facts, type FactsBus, type Question } from './facts.ts';
import { matchesOf, placeOf, type Place } from './place.ts';
import { decided, rightsOf, type Rights } from './rights.ts';
import { verdictOf } from './verdict.ts';

export interface ExplainOptions {
  bus: FactsBus;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** Why a message on a topic does or does not reach a client. Rejects with a retryable `TriviumError` when the bus does not answer. */
export async function explain(
  { bus, now = Date.now }: ExplainOptions,
  question: Question,
): Promise<Explanation> {
  return explanationOf(await gatherFacts(bus, question, now()));
}

/** The same from what is known. */
export function explanationOf(facts: Facts): Explanation {
  const { client, topic, principal, session, presence, log, retained, contracts } = facts;
  const place = placeOf(facts);
  const rights = rightsOf(facts, place);
  const { permissions } = rights;
  const all = matchesOf(facts, place.subscriptions ?? []);
  const subscriptions = all.map(({ subscription: { qos, from }, filter, group }) => ({
    ...{ filter, qos, from },
    ruling: permissions.subscription(filter, group !== undefined),
    ...(group === undefined ? {} : { group }),
  }));
  const decide = (action: PolicyAction, about: string) => decided(permissions.decide(action, about), action);
  const decisions = {
    connect: decide('connect', client),
    publish: decide('publish', topic),
    retain: decide('retain', topic),
    subscribe: decide('subscribe', all[0]?.filter ?? topic),
    receive: decide('receive', topic),
    command: decide('command', topic),
  };
  const stored = session && {
    persistent: !session.clean,
    cursor: session.pos,
    behind: session.clean ? 0 : Math.max(0, log.last - session.pos),
    missed: session.clean ? 0 : Math.max(0, log.first - 1 - session.pos),
    unacknowledged: session.open.length,
    ...(place.subscriptions === undefined ? {} : { subscriptions: place.subscriptions.length }),
    ...(session.endsAt === undefined ? {} : { endsAt: session.endsAt }),
  };
  const [contract] = contracts
    .filter(({ filter }) => matches(filter as TopicFilter, topic))
    .sort((a, b) => bySpecificity(a.filter as TopicFilter, b.filter as TopicFilter));
  const found = { decisions, subscriptions, ...(stored === undefined ? {} : { session: stored }) };
  const { groups, policies, disabled } = rights;
  return {
    ...{ client, topic },
    ...verdictOf(facts, rights, place, found),
    principal: { ...principal, groups: [...groups], disabled, policies: [...policies] },
    ...found,
    connection: connectionOf(place, presence?.online === true ? presence.protocol : undefined),
    log,
    ...(retained === undefined ? {} : { retained }),
    ...(contract === undefined
      ? {}
      : { contract: { name: contract.name, filter: contract.filter, onViolation: contract.onViolation } }),
    warnings: warningsOf(facts, rights, place),
  };
}

function connectionOf(
  { connected, door, service, host, since }: Place,
  protocol: Explanation['connection']['protocol'],
): Explanation['connection'] {
  if (!connected) return { connected };
  return {
    connected,
    ...(door === undefined ? {} : { door }),
    ...(service === undefined ? {} : { service }),
    ...(host === undefined ? {} : { host }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(since === undefined ? {} : { since }),
  };
}

function warningsOf(
  { unreadable, session, principal, doors, credential, token }: Facts,
  rights: Rights,
  place: Place,
): string[] {
  const silent = doors.filter(({ filters }) => filters === undefined);
  return [
    ...unreadable.map((key) => `the record ${key} cannot be read`),
    ...(principal.from === 'client-id'
      ? [`that its principal is «${principal.name}» is a guess by the client id`]
      : []),
    ...(rights.isGuess && principal.from === 'session'
      ? [`nothing is stored of «${principal.name}»: its groups and claims may be others`]
      : []),
    ...(credential !== undefined && token.groups !== undefined
      ? ['a credential is stored for it: its groups count, not those of a token']
      : []),
    ...(session?.door !== undefined && !place.connected ? ['the door that has its session is gone'] : []),
    ...silent.map(({ lease }) => `${lease.service} does not say which filters the client has there`),
  ];
}
