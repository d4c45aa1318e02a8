/** Names of values that must never be printed, compared without case, `-` and `_`. */
const SECRET_NAMES = new Set([
  'accesstoken',
  'apikey',
  'authorization',
  'cookie',
  'clientsecret',
  'credential',
  'credentials',
  'idtoken',
  'jwt',
  'passphrase',
  'passwd',
  'password',
  'privatekey',
  'proxyauthorization',
  'refreshtoken',
  'secret',
  'setcookie',
  'token',
  'xapikey',
]);

const MAX_DEPTH = 6;
const MAX_ENTRIES = 256;

/** Whether a setting, header or log field of this name holds a secret (`password`, `access_token`, `Authorization`, …). */
export function isSecretName(name: string): boolean {
  return SECRET_NAMES.has(name.replaceAll(/[-_]/g, '').toLowerCase());
}

/** Blanks the user part of URLs and `access_token` in queries. */
export function redactText(text: string): string {
  if (text.includes('://')) text = text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1***@');
  if (text.includes('access_token=')) text = text.replaceAll(/access_token=[^&\s"']+/g, 'access_token=***');
  return text;
}

/**
 * A copy of a JSON-like value with every secret replaced by `***`: by the name of the field, and in URLs. Errors and class
 * instances are handed on as they are; bytes become their length, since payloads do not belong in logs.
 */
export function redactSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  if (Array.isArray(value)) {
    if (depth >= MAX_DEPTH) return '…';
    return value.slice(0, MAX_ENTRIES).map((item) => redactSecrets(item, depth + 1));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  if (depth >= MAX_DEPTH) return '…';
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    copy[key] = isSecretName(key) && item !== undefined ? '***' : redactSecrets(item, depth + 1);
  }
  return copy;
}
