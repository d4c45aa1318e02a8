import type { Bus } from '@trivium/bus';
import {
  ANONYMOUS,
  check,
  parseFilter,
  parseTopic,
  PolicyAction,
  type PolicyRecord,
} from '@trivium/contracts';
import { isAnyClientAt, livingDoors } from '@trivium/explain';
import {
  clientPermissions,
  policiesOf,
  storedCredential,
  storedPolicies,
  userName,
  type Decision,
} from '@trivium/identity';
import { claimsOf } from '../claims-of.ts';
import { EXIT, UsageError, type Invocation } from '../command.ts';
import { registered } from '../devices/registry.ts';
import { groupsOf } from '../groups-of.ts';
import { wordsOf } from '../words.ts';
import { usablePolicies } from './policy-files.ts';

export async function test({ args, json, out, bus }: Invocation): Promise<number> {
  const { options } = wordsOf(args, {
    ...{ least: 0, options: ['principal', 'client', 'action', 'topic', 'groups'] as const },
    ...{ flags: ['auth-required'] as const, lists: ['claim', 'file'] as const },
  });
  const principal = principalOf(options.principal);
  const client = options.client ?? principal;
  const action = actionOf(options.action);
  const about = aboutOf(action, options.topic, client);
  const hub = await bus();
  const credential = principal === ANONYMOUS ? undefined : await storedCredential(hub, principal);
  const groups =
    options.groups === undefined ? (credential?.groups ?? usualGroups(principal)) : groupsOf(options.groups);
  const filed = usablePolicies(options.file ?? []);
  const anyClient = options['auth-required'] !== true && isAnyClientAt(await livingDoors(hub));
  const permissions = clientPermissions({
    ...{ policies: policiesOf(groups, await stored(hub, filed)), principal, client },
    attributes: (await registered(hub.bucket('devices'), principal))?.attributes ?? {},
    claims: claimsOf(options.claim ?? []),
    anyClient,
  });
  const decision = permissions.decide(action, about);
  const ruling = action === 'subscribe' ? permissions.subscription(about, false) : undefined;
  const answer = {
    ...decision,
    ...{ principal, client, groups, action },
    ...(action === 'admin' ? {} : { about }),
    ...(ruling === undefined ? {} : { subscription: ruling }),
    mayConnect: permissions.mayConnect,
    ...(credential?.disabled === true ? { disabled: true } : {}),
  };
  if (json) out(`${JSON.stringify(answer, null, 2)}\n`);
  else {
    out(`${sentence(decision)}\n`);
    if (ruling === 'guarded') out('of what the filter matches, only what may be received is delivered\n');
    if (!permissions.mayConnect && action !== 'connect')
      out(`but ${principal} may not connect as client ${client}\n`);
    if (credential?.disabled === true) out(`but ${principal} is disabled, and does not get in\n`);
  }
  return decision.allowed ? EXIT.ok : EXIT.no;
}

function sentence({ allowed, by }: Decision): string {
  if (by === undefined)
    return allowed
      ? 'allowed: no statement says so, but client ids are free here while auth.required is off'
      : 'refused: no statement allows it';
  const { policy, statement, effect } = by;
  return `${allowed ? 'allowed' : 'refused'}: policy ${policy}, statement ${statement} (${effect})`;
}

function principalOf(text: string | undefined): string {
  if (text === undefined) throw new UsageError('--principal is missing');
  if (text === ANONYMOUS) return text;
  const name = userName(text);
  if (!name.ok) throw new UsageError(name.error.message);
  return name.value;
}

function actionOf(text: string | undefined): PolicyAction {
  const action = check(PolicyAction, text);
  if (!action.ok) throw new UsageError(`--action is one of ${PolicyAction.enum.join(', ')}`);
  return action.value;
}

/** What the decision is about: a topic, a filter, a client id, or nothing. */
function aboutOf(action: PolicyAction, topic: string | undefined, client: string): string {
  if (action === 'connect' || action === 'admin') {
    if (topic !== undefined) throw new UsageError(`${action} is about no topic`);
    return client;
  }
  if (topic === undefined) throw new UsageError('--topic is missing');
  const parsed = action === 'subscribe' ? parseFilter(topic) : parseTopic(topic);
  if (!parsed.ok) throw new UsageError(parsed.error.message);
  return parsed.value;
}

/** Without a stored credential the proof says the groups: a key or a JWT, which is not known here. */
function usualGroups(principal: string): readonly string[] {
  return principal === ANONYMOUS ? [ANONYMOUS] : [];
}

async function stored(bus: Bus, filed: readonly PolicyRecord[]): Promise<Map<string, PolicyRecord>> {
  return new Map([...(await storedPolicies(bus)), ...filed].map((policy) => [policy.name, policy]));
}
