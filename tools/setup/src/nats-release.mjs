import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { verifyChecksum } from './checksum.mjs';
import { downloadFile, downloadText } from './download.mjs';
import { PINNED } from './nats-version.mjs';
import { exe } from './places.mjs';
import { readFromTarGz } from './untar.mjs';

const RELEASES = `https://github.com/nats-io/nats-server/releases/download/v${PINNED}`;

/** What the release is built for: Node's platform and architecture → the release's. */
const BUILDS = new Map([
  ['linux-x64', 'linux-amd64'],
  ['linux-arm64', 'linux-arm64'],
  ['darwin-x64', 'darwin-amd64'],
  ['darwin-arm64', 'darwin-arm64'],
  ['win32-x64', 'windows-amd64'],
  ['win32-arm64', 'windows-arm64'],
]);

/**
 * @param {string} platform `process.platform`
 * @param {string} arch `process.arch`
 * @returns {{ name: string, url: string, sumsUrl: string } | undefined} undefined where there is no build
 */
export function releaseAsset(platform, arch, base = RELEASES) {
  const build = BUILDS.get(`${platform}-${arch}`);
  if (build === undefined) return undefined;
  const name = `nats-server-v${PINNED}-${build}.tar.gz`;
  return { name, url: `${base}/${name}`, sumsUrl: `${base}/SHA256SUMS` };
}

/**
 * Downloads the pinned release, checks it against the release's own SHA256SUMS and puts the server at `target`.
 * The sums come from the same place as the archive: they tell damage, not a forged release.
 * @param {object} options
 * @param {string} options.target where the executable goes; the directory is made
 * @param {NodeJS.Platform} options.platform
 * @param {string} options.arch
 * @param {string} [options.base] where the release's files are, without the last slash
 * @returns {Promise<string | undefined>} why it could not be had; undefined: `target` is there
 */
export async function fetchRelease({ target, platform, arch, base }) {
  const asset = releaseAsset(platform, arch, base);
  if (asset === undefined) return `the release has no build for ${platform} ${arch}`;
  const archive = join(dirname(target), `${asset.name}.${process.pid}`);
  try {
    await mkdir(dirname(target), { recursive: true });
    const sums = await downloadText(asset.sumsUrl);
    await downloadFile(asset.url, archive);
    await verifyChecksum(archive, sums, asset.name);
    const server = await readFromTarGz(archive, exe('nats-server', platform));
    if (server === undefined) return `${asset.name} holds no nats-server`;
    await placeExecutable(target, server);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(archive, { force: true });
  }
}

/**
 * Writes beside the target and renames, so that an interrupted set-up never leaves half a server.
 * @param {string} target
 * @param {Uint8Array} content
 */
export async function placeExecutable(target, content) {
  const partial = `${target}.${process.pid}`;
  await mkdir(dirname(target), { recursive: true });
  await writeFile(partial, content);
  await chmod(partial, 0o755);
  await rename(partial, target);
}
