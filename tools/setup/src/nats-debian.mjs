import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placeExecutable } from './nats-release.mjs';
import { lastWords } from './run.mjs';

/** The Debian suite that has a new enough nats-server. */
const SUITE = 'forky';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Takes nats-server from Debian's newer suite, from the mirror that the host already uses and checked by the
 * host's own keyring. The system's packages, sources and lists are not touched and no root rights are needed:
 * apt works in a private directory and the package is only unpacked.
 * @param {object} options
 * @param {string} options.target where the executable goes; the directory is made
 * @param {import('./run.mjs').Run} options.run
 * @param {string} [options.keyring]
 * @returns {Promise<string | undefined>} why it could not be had; undefined: `target` is there
 */
export async function fetchFromDebian({ target, run, keyring = KEYRING }) {
  if (!existsSync(keyring)) return 'this is not a Debian host';
  const targets = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  if (targets.code !== 0) return `apt-get: ${lastWords(targets)}`;
  const mirror = debianMirror(targets.stdout);
  if (mirror === undefined) return 'no Debian mirror is configured in apt';

  const work = await mkdtemp(join(tmpdir(), 'trivium-nats-'));
  try {
    const options = await privateApt(work, `deb [signed-by=${keyring}] ${mirror} ${SUITE} main\n`);
    const updated = await run('apt-get', [...options, 'update']);
    if (updated.code !== 0) return `apt-get update of ${SUITE}: ${lastWords(updated)}`;
    const downloaded = await run('apt-get', [...options, 'download', 'nats-server'], { cwd: work });
    if (downloaded.code !== 0) return `apt-get download from ${SUITE}: ${lastWords(downloaded)}`;
    const deb = (await readdir(work)).find((name) => name.endsWith('.deb'));
    if (deb === undefined) return `apt-get downloaded nothing from ${SUITE}`;
    const unpacked = await run('dpkg', ['-x', join(work, deb), join(work, 'unpacked')]);
    if (unpacked.code !== 0) return `dpkg: ${lastWords(unpacked)}`;
    await placeExecutable(target, await readFile(join(work, 'unpacked/usr/sbin/nats-server')));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * The first archive among apt's sources that is Debian's main one (not security, not a third party's).
 * @param {string} uris one per line
 */
export const debianMirror = (uris) =>
  uris
    .split('\n')
    .find((uri) => /^[a-z+]+:\/\/.*\/debian\/?$/.test(uri.trim()))
    ?.trim();

/** @param {string} work @param {string} sources */
async function privateApt(work, sources) {
  await mkdir(join(work, 'lists/partial'), { recursive: true });
  await mkdir(join(work, 'cache/archives/partial'), { recursive: true });
  await writeFile(join(work, 'sources.list'), sources);
  const settings = {
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::Lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::http::Timeout': '20',
    'Acquire::Retries': '2',
  };
  return ['-qq', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}
