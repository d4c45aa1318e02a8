import { join } from 'node:path';
import { repoRoot, startProcess } from '@trivium/testing';
import { healthyPair, type PairResult } from '../healthy-pair.ts';
import type { Site } from '../site.ts';
import type { AttackName } from './attacks.ts';

export interface Scenario {
  readonly attack: AttackName;
  readonly door: keyof Site['ports'];
  readonly service: string;
  /** What the hub is started with; none: as it comes. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Every attack on every door that it can be made on. */
export const SCENARIOS: readonly Scenario[] = [
  { attack: 'slow-loris', door: 'mqtt', service: 'mqtt-ingress' },
  { attack: 'slow-loris', door: 'ws', service: 'ws-ingress' },
  { attack: 'slow-loris', door: 'http', service: 'http-ingress' },
  { attack: 'connect-flood', door: 'mqtt', service: 'mqtt-ingress' },
  { attack: 'connect-flood', door: 'ws', service: 'ws-ingress' },
  { attack: 'connect-flood', door: 'http', service: 'http-ingress' },
  { attack: 'publish-flood', door: 'mqtt', service: 'mqtt-ingress' },
  { attack: 'subscription-flood', door: 'mqtt', service: 'mqtt-ingress' },
  {
    attack: 'subscriptions-allowed',
    door: 'mqtt',
    service: 'mqtt-ingress',
    settings: { TRIVIUM_MQTT_MAX_SUBSCRIPTIONS: '200000' },
  },
];

export interface AbuseResult extends Scenario {
  readonly pair: PairResult;
  /** What the attacker says of itself. */
  readonly did: string;
  readonly problem: string | undefined;
}

const RATE_PER_S = 50;
/** Before the measurement: the attack is to be in full course. */
const BUILD_UP_MS = 3_000;

/** The pair is at the door that is attacked where that speaks MQTT, else at the MQTT door of the same hub. */
export async function abuse(site: Site, scenario: Scenario, forMs: number): Promise<AbuseResult> {
  const { attack, door, service } = scenario;
  await using pair = await healthyPair(site.host, site.ports.mqtt, `healthy/${attack}/${door}`);
  await using attacker = await startProcess({
    command: process.execPath,
    args: [join(import.meta.dirname, 'attacker.ts'), attack, site.host, String(site.ports[door])],
    cwd: repoRoot(),
    ready: /begins/,
    stopTimeoutMs: 30_000,
  });
  await pair.measure(RATE_PER_S, BUILD_UP_MS);
  const measured = await pair.measure(RATE_PER_S, forMs);
  const exit = attacker.exit();
  await attacker.stop();
  const did = attacker.stdout().split('\n').at(1) ?? '';
  const lost = measured.sent - measured.received;
  const problem =
    site.problemOf(service) ??
    (exit !== undefined ? `the attacker ended early: ${attacker.stderr().slice(-500)}` : undefined) ??
    (lost > 0 ? `${lost} messages of the healthy pair are missing` : undefined);
  return { ...scenario, pair: measured, did, problem };
}
