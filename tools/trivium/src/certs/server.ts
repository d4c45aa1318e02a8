import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { EXIT, UsageError, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';
import { FOLDER, placesIn } from './folder.ts';
import { issue } from './issue.ts';
import type { JsonGeneralName } from './x509.ts';

export async function server({ args, json, out }: Invocation): Promise<number> {
  const { options } = wordsOf(args, {
    ...{ least: 0, options: ['out', 'days'] as const, flags: ['force'] as const, lists: ['name'] as const },
  });
  const [first, ...more] = options.name ?? [];
  if (first === undefined) throw new UsageError('--name is missing: a host name or an address of the doors');
  const folder = options.out ?? FOLDER;
  const places = placesIn(folder);
  const place = places.server(first);
  await issue({
    ...{ folder, place, usage: 'serverAuth', force: options.force === true },
    days: options.days ?? '825',
    commonName: first,
    names: [first, ...more].map(hostName),
  });
  if (json) out(`${JSON.stringify({ ...place, ca: places.caCert })}\n`);
  else
    out(`For the doors:
TRIVIUM_TLS_CERT=${place.cert}
TRIVIUM_TLS_KEY=${place.key}

Clients trust it by ${places.caCert}, such as
mosquitto_pub -h ${first} -p 8883 --cafile ${places.caCert} -t test -m hello
`);
  return EXIT.ok;
}

function hostName(text: string): JsonGeneralName {
  if (isIP(text) !== 0) return { type: 'ip', value: text };
  const host = domainToASCII(text.replace(/^\*\./, ''));
  if (!/^[a-z0-9]([a-z0-9-.]*[a-z0-9])?$/i.test(host))
    throw new UsageError(`${text} is no host name and no address`);
  return { type: 'dns', value: text.startsWith('*.') ? `*.${host}` : host };
}
