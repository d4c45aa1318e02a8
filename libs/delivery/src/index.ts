export { createDelivery } from './delivery.ts';
export type { Delivered } from './delivered.ts';
export type {
  AttachOptions,
  Attachment,
  Delivery,
  KnownPositions,
  QueueLimits,
  Receiver,
  Subscription,
  WantedMessage,
} from './receiver.ts';
export type { Handover } from './handover.ts';
export { createShareRegistry, SHARE_CONSUMERS } from './share-registry.ts';
export type { ShareRegistry } from './share-registry.ts';
export { Backlog } from './backlog.ts';
export type { Dropped } from './backlog.ts';
export { FilterTrie } from './trie.ts';
export { createTurns } from './turns.ts';
export type { Turns } from './turns.ts';
export { topicTokens, wireQos } from './message.ts';
