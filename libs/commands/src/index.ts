export { createCommandCaller } from './command-caller.ts';
export type { CallerStats, CallOptions, CommandCaller } from './command-caller.ts';
export { createCommandDesk } from './command-desk.ts';
export type { CommandDesk, CommandReceiver, DeskStats } from './command-desk.ts';
export type { Command, CommandBody } from './command.ts';
export { answered, createCommandStore } from './command-store.ts';
export type { CommandStore, StoredCommand } from './command-store.ts';
export { decodeCommand } from './command.ts';
