/** A process of its own, so that what it costs is not taken from those whom it disturbs: `attacker.ts <attack> <host> <port>`; ends on SIGTERM. */
import { ATTACKS, type AttackName } from './attacks.ts';

const [, , name, host, port] = process.argv as [string, string, AttackName, string, string];
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
// What waits for the signal does not keep the process alive by itself.
setInterval(() => undefined, 60_000);
process.stdout.write('begins\n');
process.stdout.write(`${await ATTACKS[name]({ host, port: Number(port) }, stop.signal)}\n`, () =>
  process.exit(0),
);
