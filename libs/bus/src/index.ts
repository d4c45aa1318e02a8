export { connectBus } from './connect-bus.ts';
export { BUS_DEFAULTS } from './config.ts';
export type { BusConfig, Logger } from './config.ts';
export type { Inspection, StreamInspection } from './inspect.ts';
export type { RetainedRecord } from './retained-writer.ts';
export type { OnceMessage } from './store-once.ts';
export type { StoredMessage } from './stored-messages.ts';
export { addHeaders } from './wire.ts';
export type {
  Answer,
  AskOptions,
  Bucket,
  Bus,
  BusMessage,
  BusStats,
  Entry,
  FetchedMessage,
  FetchSink,
  Follower,
  FollowOptions,
  LiveFeed,
  LiveSubscription,
  Publisher,
  PutOptions,
  Settlement,
  SharedConsumer,
  SharedLog,
  SharedReader,
  StoreSink,
  Watch,
} from './bus.ts';
