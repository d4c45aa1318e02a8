import { accept, refuse, type Result } from '@trivium/contracts';

/** What the verification of a password costs. */
export interface Argon2Cost {
  readonly memoryKiB: number;
  readonly passes: number;
}

/** What the hub keeps of a password to verify it with. */
export interface PasswordHash extends Argon2Cost {
  readonly lanes: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** More than any site needs: a record cannot make a door work for minutes. */
const MOST = { memoryKiB: 1_048_576, passes: 64, lanes: 16 };
const SALT = { least: 8, most: 64 };
const HASH = { least: 16, most: 64 };

/** As a PHC string: `$argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>`. */
export function writePasswordHash({ memoryKiB, passes, lanes, salt, hash }: PasswordHash): string {
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${base64(salt)}$${base64(hash)}`;
}

/** Never repeats the text in the refusal. */
export function parsePasswordHash(text: string): Result<PasswordHash> {
  const match = FORM.exec(text);
  if (match === null)
    return refuse('config.invalid', 'expected $argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>');
  const [, m, t, p, saltText, hashText] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const [memoryKiB, passes, lanes] = [Number(m), Number(t), Number(p)];
  if (memoryKiB > MOST.memoryKiB || passes > MOST.passes || lanes > MOST.lanes || memoryKiB < 8 * lanes)
    return refuse('config.invalid', 'argon2id would cost too much, or has too little memory for its lanes');
  const salt = bytesOf(saltText);
  const hash = bytesOf(hashText);
  if (salt === undefined || hash === undefined || !fits(salt, SALT) || !fits(hash, HASH))
    return refuse('config.invalid', 'expected salt and hash in base64 without padding, of usual lengths');
  return accept({ memoryKiB, passes, lanes, salt, hash });
}

const FORM =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,7}),t=([1-9]\d{0,2}),p=([1-9]\d{0,1})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

function fits({ length }: Buffer, { least, most }: { least: number; most: number }): boolean {
  return length >= least && length <= most;
}

/** Of base64 without padding, in its one canonical form. */
function bytesOf(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return base64(bytes) === text ? bytes : undefined;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '');
}
