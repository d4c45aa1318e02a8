// Prints what of the host decides the outcome of tests: the NATS server, the outside clients and whether a
// container engine may answer. Nx takes it as an input, so that a cached result is not kept when one comes or goes.
import { existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const PROGRAMS = ['mosquitto_sub', 'mosquitto', 'chromium', 'google-chrome', 'python3', 'docker', 'curl'];
const FILES = ['/usr/lib/python3/dist-packages/paho', '/var/run/docker.sock'];

const directories = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
const found = PROGRAMS.filter((name) => directories.some((directory) => existsSync(join(directory, name))));
const server = statSync('.trivium/bin/nats-server', { throwIfNoEntry: false });

console.log(
  JSON.stringify({
    natsServer: server?.size,
    found: [...found, ...FILES.filter((file) => existsSync(file))],
    engine: process.env['DOCKER_HOST'],
  }),
);
