import type { Message, Properties } from '@trivium/contracts';
import type { MessageContracts } from './message-contracts.ts';
import { letterOf, tagged, type Letter, type Violation } from './violation.ts';

/** What becomes of a message that breaks its contract. */
export interface Ruling {
  /** Nothing is published, and whoever can be told is told. */
  readonly refused: Violation | undefined;
  /** What it takes along. */
  readonly properties: Properties | undefined;
  /** Where it goes instead, when it is put aside. It then is not retained. */
  readonly letter: Letter | undefined;
}

/**
 * `silent`: the protocol has no way to say no to a message but to end the connection, and a device whose connection ends sends the same again
 * for ever. What its policy would have refused is put aside then, and acknowledged when it is stored there.
 */
export function rulingOn(
  violation: Violation,
  message: Pick<Message, 'topic' | 'qos' | 'retain' | 'client' | 'properties'>,
  silent = false,
): Ruling {
  const { properties } = message;
  const { policy } = violation;
  if (policy === 'tag')
    return { refused: undefined, properties: tagged(properties, violation), letter: undefined };
  if (policy === 'reject' && !silent) return { refused: violation, properties, letter: undefined };
  return { refused: undefined, properties, letter: letterOf(message, violation) };
}

/** What becomes of a message; undefined: it breaks no contract. */
export function judge(contracts: MessageContracts, message: Message, silent = false): Ruling | undefined {
  const contract = contracts.of(message.topic);
  if (contract === undefined) return undefined;
  const { payload, retain, properties } = message;
  const violation = contracts.check(contract, { payload, retain, contentType: properties?.contentType });
  return violation && rulingOn(violation, message, silent);
}
