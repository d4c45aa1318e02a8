import { accept, refuse, type Result } from '@trivium/contracts';

/** The id that a client asks for with `?clientId=`; `undefined` when it asks for none. */
export function clientIdOf(url: string, maxBytes: number): Result<string | undefined> {
  const raw = queryParameter(url, 'clientId');
  if (raw === undefined) return accept(undefined);
  const id = decode(raw);
  if (id === undefined) return refuse('client-id.invalid', 'clientId is not percent-encoded UTF-8');
  if (id === '') return refuse('client-id.invalid', 'clientId is empty');
  if (id.includes('\0')) return refuse('client-id.invalid', 'clientId contains U+0000');
  const bytes = Buffer.byteLength(id);
  if (bytes > maxBytes)
    return refuse('client-id.invalid', `clientId has ${bytes} bytes, at most ${maxBytes} are accepted`);
  return accept(id);
}

/** The token in `?access_token=`, for clients that can say it nowhere else; `undefined` when there is none. */
export function accessTokenOf(url: string): string | undefined {
  const raw = queryParameter(url, 'access_token');
  return raw === undefined ? undefined : (decode(raw) ?? '');
}

function queryParameter(url: string, name: string): string | undefined {
  const at = url.indexOf('?');
  if (at === -1) return undefined;
  for (const pair of url.slice(at + 1).split('&')) {
    const equals = pair.indexOf('=');
    if (equals !== -1 && pair.slice(0, equals) === name) return pair.slice(equals + 1);
  }
  return undefined;
}

/** Strict, unlike `URLSearchParams`, which turns broken UTF-8 into U+FFFD: two clients would share an id. */
function decode(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
