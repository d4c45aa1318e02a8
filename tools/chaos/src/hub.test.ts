import { repoRoot, tempDir } from '@trivium/testing';
import { expect, test } from 'vitest';
import { chaos, USUAL_PACE } from './chaos.ts';
import { describeOffenders } from './report/offenders.ts';
import { summarise } from './report/summary.ts';
import { renderTable } from './report/table.ts';
import { startHub } from './targets/hub.ts';

test(
  'the hub accounts for every message, whatever is killed (the short form)',
  { timeout: 300_000 },
  async () => {
    const seed = Math.floor(Math.random() * 1e9);
    console.log(`again: npm run chaos -- --seed ${seed} --keep`);
    await using data = await tempDir('trivium-chaos-');
    await using hub = await startHub(repoRoot(), data.path);
    const result = await chaos(hub, {
      ...{ seed, kills: 12, calmMs: 0, withFreezes: false, ratePerS: 200, publishers: 6, subscribers: 8 },
      ...{ pace: USUAL_PACE, signal: new AbortController().signal, progress: console.log },
    });
    const summary = summarise(result);
    console.log([renderTable(summary), ...summary.notes].join('\n'));
    const told = describeOffenders(result.world).join('\n');
    expect(summary.findings, told).toEqual({});
    expect(summary.total).toMatchObject({ kills: 12, lost: 0, qos2Duplicates: 0, outOfOrder: 0 });
    expect(summary.total.messages).toBeGreaterThan(1_000);
  },
);
