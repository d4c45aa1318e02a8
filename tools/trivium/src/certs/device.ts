import { userName } from '@trivium/identity';
import { EXIT, UsageError, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';
import { FOLDER, placesIn } from './folder.ts';
import { issue } from './issue.ts';

/** X.520 allows a common name no more, and OpenSSL holds to it. */
const MOST_CHARACTERS = 64;

export async function device({ args, json, out }: Invocation): Promise<number> {
  const { words, options } = wordsOf(args, {
    ...{ least: 1, options: ['out', 'days'] as const, flags: ['force'] as const },
  });
  const name = userName(words[0]!);
  if (!name.ok) throw new UsageError(name.error.message);
  if (name.value.length > MOST_CHARACTERS)
    throw new UsageError(`the name in a certificate has at most ${MOST_CHARACTERS} characters`);
  const folder = options.out ?? FOLDER;
  const places = placesIn(folder);
  const place = places.device(name.value);
  await issue({
    ...{ folder, place, usage: 'clientAuth', force: options.force === true },
    days: options.days ?? '825',
    commonName: name.value,
    names: [],
  });
  if (json) out(`${JSON.stringify({ name: name.value, ...place, ca: places.caCert })}\n`);
  else
    out(`${name.value} proves who it is with
  --cert ${place.cert} --key ${place.key}
where doors have TRIVIUM_TLS_CLIENT_CA=${places.caCert} and TRIVIUM_TLS_CLIENT_CERTIFICATES=optional.
So that no other certificate will do for it: npx trivium devices pin ${JSON.stringify(name.value)} ${place.cert}
`);
  return EXIT.ok;
}
