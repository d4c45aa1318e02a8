import { asyncApi, type DescribedSite } from '@trivium/message-contracts';
import { EXIT, type Invocation } from '../command.ts';
import { hubSettings } from '../hub-settings.ts';
import { wordsOf } from '../words.ts';
import { recordsOf } from './contract-files.ts';
import { contractsOf } from './contracts-of.ts';

const version = '0.1.0';

/** JSON, with `--json` and without. */
export async function asyncapi({ args, out, env, bus }: Invocation): Promise<number> {
  const { words: files } = wordsOf(args, { least: 0, most: Infinity });
  const site = siteOf(env);
  const document = asyncApi({ contracts: recordsOf(await contractsOf(files, bus)), version, site });
  out(`${JSON.stringify(document, null, 2)}\n`);
  return EXIT.ok;
}

/** By the settings here, as `trivium doctor` has them. */
function siteOf(env: Invocation['env']): DescribedSite {
  const { auth, tls, mqtt, ws, http } = hubSettings(env);
  const isTls = (door: { tlsCert?: string }): boolean => (door.tlsCert ?? tls.cert) !== undefined;
  return {
    authRequired: auth.required,
    clientCertificates: tls.clientCertificates !== 'off',
    tls: { mqtt: isTls(mqtt), ws: isTls(ws), http: isTls(http) },
  };
}
