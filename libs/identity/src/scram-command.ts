import { randomBytes } from 'node:crypto';
import { stderr, stdin, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { readPassword } from './hidden-input.ts';
import { userName } from './principal.ts';
import { LEAST_ITERATIONS, scramVerifier, USUAL_SALT_BYTES } from './scram-verifier.ts';

// npm run scram -- <user> [--iterations <n>]: prints the line for trivium.yaml. The password comes from standard input.

const USAGE = `Usage: npm run scram -- <user> [--iterations <n>]

Asks for a password, or reads one line, and prints the user's line for the map auth.scram of trivium.yaml.
  --iterations <n>   what each login costs the device; ${LEAST_ITERATIONS} unless given
`;
const EXIT_USAGE = 78;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const asked = argumentsOf(args);
  if (asked === undefined) return fail(USAGE);
  const name = userName(asked.user);
  if (!name.ok) return fail(`${name.error.message}\n`);
  const password = await readPassword(stdin, stderr);
  if (password === undefined) return fail('no password, or two that differ\n');
  const salt = randomBytes(USUAL_SALT_BYTES);
  const verifier = scramVerifier(password, { salt, iterations: asked.iterations });
  if (!verifier.ok) return fail(`${verifier.error.message}\n`);
  if (stdout.isTTY) stderr.write('For trivium.yaml, under auth, scram:\n');
  stdout.write(
    `    ${/^[A-Za-z_][\w-]*$/.test(name.value) ? name.value : JSON.stringify(name.value)}: ${verifier.value}\n`,
  );
  return 0;
}

function argumentsOf(args: string[]): { user: string; iterations: number } | undefined {
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: { iterations: { type: 'string', default: String(LEAST_ITERATIONS) } },
    });
    const [user, ...more] = positionals;
    const iterations = Number(values.iterations);
    if (user === undefined || more.length > 0 || !Number.isSafeInteger(iterations) || iterations < 1)
      return undefined;
    return { user, iterations };
  } catch {
    return undefined;
  }
}

function fail(message: string): number {
  stderr.write(message);
  return EXIT_USAGE;
}
