import {
  CONTRACT_VIOLATION,
  contractLetterSubject,
  type HeaderFields,
  type Message,
  type Properties,
  type ViolationPolicy,
} from '@trivium/contracts';

/** A message that breaks its contract. */
export interface Violation {
  /** The contract's name. */
  readonly contract: string;
  readonly policy: ViolationPolicy;
  /** JSON pointer into the payload; empty: the payload or its content type as a whole. */
  readonly path: string;
  /** The whole sentence, for whoever published: text that every protocol can carry. */
  readonly message: string;
}

const MAX_MESSAGE = 500;

/** `path` and `what` may hold what a stranger wrote: they are cut, and cleared of what no text should have. */
export function violationOf(
  contract: string,
  policy: ViolationPolicy,
  path: string,
  what: string,
): Violation {
  const sentence = `contract ${contract}: ${path === '' ? 'the payload' : path} ${what}`;
  return { contract, policy, path: printable(path), message: printable(sentence) };
}

function printable(text: string): string {
  return text
    .slice(0, MAX_MESSAGE)
    .toWellFormed()
    .replace(/\p{Cc}/gu, '\ufffd');
}

/** The properties of a message that goes through all the same. */
export function tagged(properties: Properties | undefined, { contract }: Violation): Properties {
  return {
    ...properties,
    userProperties: [...(properties?.userProperties ?? []), [CONTRACT_VIOLATION, contract]],
  };
}

/** A message that is put aside: where it goes, and what its headers say beside its own properties. */
export interface Letter {
  readonly subject: string;
  readonly fields: HeaderFields;
}

export function letterOf(
  { topic, qos, retain, client }: Pick<Message, 'topic' | 'qos' | 'retain' | 'client'>,
  { contract, message }: Violation,
): Letter {
  const subject = contractLetterSubject(contract);
  return { subject, fields: { client, qosBelowSubject: qos, retain, topic, reason: message } };
}
