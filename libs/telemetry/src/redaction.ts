import { stdSerializers } from 'pino';

/** Names of values that must never be printed, compared without case, `-` and `_`. */
const SECRET_NAMES = new Set([
  'accesstoken',
  'apikey',
  'authorization',
  'clientsecret',
  'cookie',
  'credential',
  'credentials',
  'idtoken',
  'jwt',
  'nkeyseed',
  'passphrase',
  'passwd',
  'password',
  'privatekey',
  'proxyauthorization',
  'refreshtoken',
  'secret',
  'seed',
  'setcookie',
  'token',
  'xapikey',
]);

const MAX_DEPTH = 6;
const MAX_ENTRIES = 256;
const CENSORED = '***';
/** Of users, accounts, operators, servers and clusters of NATS. */
const SEED = /\bS[UAONCX][A-Z2-7]{56}\b/;
const SEEDS = new RegExp(SEED, 'g');
/** Not in a sentence such as `Basic authentication`: what follows has more than small letters. */
const SCHEME = /\b([Bb]earer|[Bb]asic) (?=[\w.~+/-]*[A-Z0-9=])[\w.~+/=-]{8,}/;
const SCHEMES = new RegExp(SCHEME, 'g');

/** Whether a setting, header or log field of this name holds a secret (`password`, `access_token`, `Authorization`, …). */
export function isSecretName(name: string): boolean {
  return SECRET_NAMES.has(name.replaceAll(/[-_]/g, '').toLowerCase());
}

/**
 * Blanks the user part of URLs, `access_token` in queries, and what is a secret by its look: keys of applications, seeds of nkeys, JWTs, and
 * what follows Bearer or Basic. Leaves JSON text valid JSON.
 */
export function redactText(text: string): string {
  let clean = text;
  if (clean.includes('tvk_')) clean = clean.replaceAll(/tvk_([a-z0-9]{12})_[\w-]+/g, `tvk_$1_${CENSORED}`);
  if (clean.includes('eyJ')) clean = clean.replaceAll(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, CENSORED);
  if (SEED.test(clean)) clean = clean.replaceAll(SEEDS, CENSORED);
  if (SCHEME.test(clean)) clean = clean.replaceAll(SCHEMES, `$1 ${CENSORED}`);
  if (clean.includes('://'))
    clean = clean.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@"\\]+@/gi, `$1${CENSORED}@`);
  if (clean.includes('access_token='))
    clean = clean.replaceAll(/access_token=[^&\s"'\\]+/g, `access_token=${CENSORED}`);
  return clean;
}

/**
 * A copy for a log line, with every field that is a secret by its name as `***`. Errors become type, message, stack and
 * their own fields; bytes become their length, since payloads do not belong in logs; what is too deep or too long is cut.
 */
export function redactSecrets(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((item) => redactSecrets(item, depth + 1));
  if (value instanceof Error) return redactFields({ ...stdSerializers.err(value) }, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? redactFields(value, depth) : value;
}

function redactFields(fields: object, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(fields)) {
    copy[key] = isSecretName(key) && item !== undefined ? CENSORED : redactSecrets(item, depth + 1);
  }
  return copy;
}
