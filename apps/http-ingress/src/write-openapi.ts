import { writeFile } from 'node:fs/promises';
import { startNats } from '@trivium/testing';
import { startDoor } from './door-under-test.ts';

/** Writes `openapi.json` as a door with default settings answers it. */
await using nats = await startNats();
await using door = await startDoor(nats.url);
const api: unknown = await (await fetch(`${door.url}/openapi.json`)).json();
await writeFile(new URL('../openapi.json', import.meta.url), JSON.stringify(api, null, 2));
