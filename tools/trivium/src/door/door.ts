import { CommandError, UsageError } from '../command.ts';
import { ownDoor } from '../own-door.ts';
import { clientTlsOf, TLS_HELP, TLS_OPTIONS, type ClientTls } from './tls-options.ts';

/** What all commands that go through a door take. */
export const DOOR_OPTIONS = ['url', 'user', 'token', 'client-id', ...TLS_OPTIONS] as const;

export const DOOR_HELP = `  --url <http…>              the HTTP door; unless given that of the hub on this machine,
                             with --cafile or --cert where it has TLS
  --token <text>             an API key or a JWT; unless given TRIVIUM_TOKEN
  --user <name[:password]>   or a user; the password may be in TRIVIUM_PASSWORD instead
  --client-id <id>           as which client; unless given, the user's own name
${TLS_HELP}`;

type Options = { readonly [name in (typeof DOOR_OPTIONS)[number]]?: string };

/** The HTTP door and what a client shows there. */
export interface Door {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: ClientTls;
}

/** Throws a `UsageError` for options that are wrong. */
export function doorOf(options: Options, env: NodeJS.ProcessEnv): Door {
  const tls = clientTlsOf(options);
  const id = options['client-id'];
  return {
    url: urlOf(options, env),
    headers: {
      ...authorization(options, env),
      // Bytes of UTF-8, which Node takes as Latin-1.
      ...(id === undefined ? {} : { 'x-client-id': Buffer.from(id).toString('latin1') }),
    },
    tls,
  };
}

function urlOf({ url: text, cafile, cert }: Options, env: NodeJS.ProcessEnv): URL {
  const over = cafile === undefined && cert === undefined ? 'plain' : 'tls';
  const url = text === undefined ? ownDoor('http', env, over) : URL.parse(text);
  if (url === null) throw new UsageError(`${text} is no address such as http://127.0.0.1:8080`);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new UsageError(`${url.protocol}// is not spoken here: pub and sub go through the HTTP door`);
}

function authorization(options: Options, env: NodeJS.ProcessEnv): Record<string, string> {
  const token = options.token ?? (options.user === undefined ? env['TRIVIUM_TOKEN'] : undefined);
  if (options.user !== undefined && options.token !== undefined)
    throw new UsageError('--user or --token, not both');
  if (token !== undefined && token !== '') {
    if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError('the token has characters that no token has');
    return { authorization: `Bearer ${token}` };
  }
  if (options.user === undefined) return {};
  const at = options.user.indexOf(':');
  const password = at === -1 ? env['TRIVIUM_PASSWORD'] : options.user.slice(at + 1);
  if (password === undefined)
    throw new CommandError('the password is missing: --user name:password, or TRIVIUM_PASSWORD');
  const user = at === -1 ? options.user : options.user.slice(0, at);
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}
