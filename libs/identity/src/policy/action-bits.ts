import type { PolicyAction, PolicyStatement, TopicAction } from '@trivium/contracts';

/** One bit for each action on topics, and one for each denial of it. */
const BIT: Readonly<Record<TopicAction, number>> = {
  publish: 1 << 0,
  retain: 1 << 1,
  subscribe: 1 << 2,
  receive: 1 << 3,
  command: 1 << 4,
  shadow: 1 << 5,
};
const DENIALS = 8;

const ALL = Object.values(BIT).reduce((all, bit) => all | bit, 0);

/** The bit of what allows an action. */
export const ALLOWS = BIT;

/** The bits of what denies an action: who may not subscribe to a topic does not receive it either. */
export const DENIES: Readonly<Record<TopicAction, number>> = {
  publish: BIT.publish << DENIALS,
  retain: BIT.retain << DENIALS,
  subscribe: BIT.subscribe << DENIALS,
  receive: (BIT.receive | BIT.subscribe) << DENIALS,
  command: BIT.command << DENIALS,
  shadow: BIT.shadow << DENIALS,
};

export const EVERY_ALLOWANCE = ALL;
export const EVERY_DENIAL = ALL << DENIALS;

export function isTopicAction(action: PolicyAction): action is TopicAction {
  return action !== 'connect' && action !== 'admin';
}

/** What a statement says about topics. */
export function statementBits({ effect, actions }: PolicyStatement): number {
  const bits = actions.filter(isTopicAction).reduce((all, action) => all | BIT[action], 0);
  return effect === 'allow' ? bits : bits << DENIALS;
}
