import { CommandError, UsageError } from '../command.ts';
import { ownDoor } from '../own-door.ts';
import { readFile } from '../read-file.ts';

/** What all commands that go through a door take. */
export const DOOR_OPTIONS = ['url', 'user', 'token', 'client-id', 'cafile', 'cert', 'key'] as const;

export const DOOR_HELP = `  --url <http…>              the HTTP door; unless given that of the hub on this machine
  --token <text>             an API key or a JWT; unless given TRIVIUM_TOKEN
  --user <name[:password]>   or a user; the password may be in TRIVIUM_PASSWORD instead
  --client-id <id>           as which client; unless given, the user's own name
  --cafile <pem>             who signed the door's certificate
  --cert <pem> --key <pem>   a certificate of your own
`;

type Options = { readonly [name in (typeof DOOR_OPTIONS)[number]]?: string };

/** The HTTP door and what a client shows there. */
export interface Door {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

/** Throws a `UsageError` for options that are wrong. */
export function doorOf(options: Options, env: NodeJS.ProcessEnv): Door {
  if ((options.cert === undefined) !== (options.key === undefined))
    throw new UsageError('--cert and --key belong together');
  const id = options['client-id'];
  return {
    url: urlOf(options.url, env),
    headers: {
      ...authorization(options, env),
      // Bytes of UTF-8, which Node takes as Latin-1.
      ...(id === undefined ? {} : { 'x-client-id': Buffer.from(id).toString('latin1') }),
    },
    tls: {
      ...(options.cafile === undefined ? {} : { ca: readFile(options.cafile) }),
      ...(options.cert === undefined ? {} : { cert: readFile(options.cert) }),
      ...(options.key === undefined ? {} : { key: readFile(options.key) }),
    },
  };
}

function urlOf(text: string | undefined, env: NodeJS.ProcessEnv): URL {
  const url = text === undefined ? ownDoor('http', env) : URL.parse(text);
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
