import { writeFile } from 'node:fs/promises';
import { wireContract } from '../src/wire-contract.ts';

const target = new URL('../src/wire-contract.snapshot.json', import.meta.url);
await writeFile(target, JSON.stringify(wireContract(), null, 2) + '\n');
