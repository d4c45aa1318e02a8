import type { Bus } from '@trivium/bus';
import {
  isSessionOver,
  ClientFilters,
  CredentialRecord,
  credentialKey,
  decodeJson,
  decodeProperties,
  decodeQos,
  deviceKey,
  DeviceRecord,
  filtersSubject,
  Presence,
  presenceKey,
  retainedSubject,
  sessionKey,
  SessionRecord,
  topicToTokens,
  type ApiKeyRecord,
  type ContractRecord,
  type DoorLease,
  type PolicyRecord,
  type QoS,
  type Topic,
} from '@trivium/contracts';
import { readPolicy, storedApiKeys } from '@trivium/identity';
import { storedContracts } from '@trivium/message-contracts';
import type { Static, TSchema } from 'typebox';
import { livingDoors } from './living-doors.ts';

export type FactsBus = Pick<Bus, 'bucket' | 'lastPos' | 'readAfter' | 'readLast' | 'request'>;

export interface Question {
  readonly client: string;
  readonly topic: Topic;
  /** What the token says that the client comes with, which is stored nowhere. */
  readonly token?: Token;
}

/** What a JWT says of its principal. */
export interface Token {
  /** Undefined: not known. */
  readonly groups?: readonly string[];
  readonly claims?: Readonly<Record<string, string>>;
}

/** Everything that bears on whether a message reaches a client, as it is stored now. */
export interface Facts extends Required<Question> {
  readonly nowMs: number;
  readonly session: SessionRecord | undefined;
  readonly presence: Presence | undefined;
  /** The doors that are alive. */
  readonly doors: readonly Door[];
  readonly principal: { readonly name: string; readonly from: 'session' | 'credential' | 'client-id' };
  readonly credential: CredentialRecord | undefined;
  /** Of the principal. */
  readonly keys: readonly ApiKeyRecord[];
  /** What the registry says about the principal. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly policies: ReadonlyMap<string, PolicyRecord>;
  readonly contracts: readonly ContractRecord[];
  readonly retained: Retained | undefined;
  readonly log: { readonly first: number; readonly last: number };
  /** Keys of records that cannot be read. */
  readonly unreadable: readonly string[];
}

/** A living door, and what it says of the client. */
export interface Door {
  readonly lease: DoorLease;
  /** Undefined: it does not answer. */
  readonly filters: Pick<ClientFilters, 'attached' | 'subscriptions'> | undefined;
}

export interface Retained {
  readonly qos: QoS;
  readonly bytes: number;
  readonly retainedAt: number;
}

/** Rejects with a retryable `TriviumError` when the bus does not answer. */
export async function gatherFacts(bus: FactsBus, question: Question, nowMs: number): Promise<Facts> {
  const { client, topic, token = {} } = question;
  const [sessions, devices] = [bus.bucket('sessions'), bus.bucket('devices')];
  const unreadable: string[] = [];
  const read = async <T extends TSchema>(
    bucket: Pick<typeof devices, 'get'>,
    key: string,
    schema: T,
  ): Promise<Static<T> | undefined> => {
    const entry = await bucket.get(key);
    const record = entry && decodeJson(schema, entry.value);
    if (record?.ok === false) unreadable.push(key);
    return record?.ok === true ? record.value : undefined;
  };
  const readPolicies = async (): Promise<Map<string, PolicyRecord>> => {
    const found = new Map<string, PolicyRecord>();
    for (const { key, value } of await bus.bucket('policies').entries('policy.*')) {
      const policy = readPolicy(key, value);
      if (policy.ok) found.set(policy.value.name, policy.value);
      else unreadable.push(key);
    }
    return found;
  };

  const [stored, presence, ofClient, policies, contracts, retained, first, last, doors] = await Promise.all([
    read(sessions, sessionKey(client), SessionRecord),
    read(devices, presenceKey(client), Presence),
    read(devices, credentialKey(client), CredentialRecord),
    readPolicies(),
    storedContracts(bus.bucket('contracts')),
    readRetained(bus, topic, nowMs),
    bus.readAfter('MESSAGES', 0, 1),
    bus.lastPos('MESSAGES'),
    askDoors(bus, client),
  ]);
  const session = stored !== undefined && isSessionOver(stored, nowMs) ? undefined : stored;
  const principal =
    session !== undefined
      ? { name: session.principal, from: 'session' as const }
      : { name: client, from: ofClient === undefined ? ('client-id' as const) : ('credential' as const) };
  const [credential, device, keys] = await Promise.all([
    principal.name === client ? ofClient : read(devices, credentialKey(principal.name), CredentialRecord),
    read(devices, deviceKey(principal.name), DeviceRecord),
    storedApiKeys(bus),
  ]);
  return {
    ...{ client, topic, token, nowMs, session, presence, doors, principal, credential, policies, contracts },
    ...{ retained, log: { first: first[0]?.pos ?? last + 1, last }, unreadable },
    keys: keys.filter(({ name }) => name === principal.name),
    attributes: device?.attributes ?? {},
  };
}

const PATIENCE_MS = 2_000;

/** All of them: an event stream leaves no record of where it is. */
async function askDoors(bus: FactsBus, client: string): Promise<Door[]> {
  const ask = async (lease: DoorLease): Promise<Door> => {
    const subject = filtersSubject(lease.incarnation, client);
    const answer = await bus
      .request(subject, new Uint8Array(0), { timeoutMs: PATIENCE_MS })
      .catch(() => undefined);
    const filters = answer && decodeJson(ClientFilters, answer.data);
    return { lease, filters: filters?.ok === true ? filters.value : undefined };
  };
  return Promise.all((await livingDoors(bus)).map(ask));
}

async function readRetained(bus: FactsBus, topic: Topic, nowMs: number): Promise<Retained | undefined> {
  const found = await bus.readLast('RETAINED', retainedSubject(topicToTokens(topic)));
  if (found === undefined || found.data.length === 0) return undefined;
  const { headers, data, storedAt } = found;
  const get = (name: string): string | undefined => headers?.get(name) || undefined;
  const properties = decodeProperties(get, (name) => headers?.values(name) ?? []);
  if (properties?.expiresAt !== undefined && properties.expiresAt <= nowMs) return undefined;
  return { qos: decodeQos(2, get), bytes: data.length, retainedAt: storedAt };
}
