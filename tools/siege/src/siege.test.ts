import { join } from 'node:path';
import { tempDir, type TempDir } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { abuse, SCENARIOS } from './abuse/abuse.ts';
import { fuzz } from './fuzz/fuzz.ts';
import { DOOR_NAMES, fuzzedDoors } from './fuzz/doors.ts';
import { startSite, type Site } from './site.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_126);
const COUNT = 1_500;
/** Other tests run beside these: the tool itself, on a quiet machine, holds the good clients to 50 ms. */
const NOT_STALLED_MS = 3_000;

let data: TempDir;
let site: Site;
beforeAll(async () => {
  data = await tempDir('trivium-siege-');
  site = await startSite(data.path);
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await data.remove();
});

describe(`${COUNT} mutated packets, seed ${SEED}: no process ends or logs a defect, and others are served`, () => {
  test.each(DOOR_NAMES)('%s', async (name) => {
    const door = fuzzedDoors(site).find((one) => one.name === name)!;
    const signal = new AbortController().signal;
    const result = await fuzz(site, door, { seed: SEED, count: COUNT, signal, progress: () => undefined });
    expect(result.problem).toBeUndefined();
    expect(result.sent).toBe(COUNT);
    const { answered, closed, silent } = result.fates;
    expect(answered + closed + silent).toBe(COUNT);
    expect(answered + closed).toBeGreaterThan(0);
  });
});

describe('two good clients lose nothing and are not kept waiting by', () => {
  test.each(SCENARIOS)('$attack on $door', async (scenario) => {
    const { settings } = scenario;
    await using own = settings && (await startSite(join(data.path, scenario.attack), settings));
    const { pair, problem } = await abuse(own ?? site, scenario, 2_000);
    expect(problem).toBeUndefined();
    expect(pair.received).toBe(pair.sent);
    expect(pair.p99).toBeLessThan(NOT_STALLED_MS);
  });
});
