export { createClient } from './client.ts';
export type { Client, ClientEvents, ClientOptions } from './client.ts';
export type { Command, CommandOptions, Message, PublishOptions, Reply, ReplyOptions } from './codec.ts';
export type { CommandHandler } from './commanded.ts';
export type { Published } from './publishing.ts';
export type { Handler } from './subscriptions.ts';
export type { SubscribeOptions, Subscription } from './subscribing.ts';
export type { OpenSocket, Socket } from './connection.ts';
export type { Clock } from './clock.ts';
