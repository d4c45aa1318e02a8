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
export { Backlog } from './backlog.ts';
export type { Dropped } from './backlog.ts';
export { FilterTrie } from './trie.ts';
export { topicTokens, wireQos } from './message.ts';
