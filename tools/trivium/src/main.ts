#!/usr/bin/env node
import { buffer } from 'node:stream/consumers';
import type { Bus } from '@trivium/bus';
import { EXIT } from './command.ts';
import { run } from './run.ts';

// Whoever reads the answer may have seen enough.
process.stdout.on('error', () => process.exit(EXIT.no));

let joined: Promise<Bus> | undefined;
const code = await run(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  env: process.env,
  stdin: () => buffer(process.stdin),
  bus: () => (joined ??= import('./join-hub.ts').then(({ joinHub }) => joinHub(process.env))),
});
await joined?.then(
  (bus) => bus.close(),
  () => undefined,
);
// A NATS that was not there is still waited for.
process.stdout.write('', () => process.exit(code));
