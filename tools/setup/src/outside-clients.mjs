/**
 * Programs of the system that tests and benchmarks use as clients and peers that are not ours.
 * @typedef {object} OutsideClient
 * @property {string} package Debian's name for it
 * @property {string} purpose
 * @property {readonly (readonly string[])[]} probes commands; it is there when one of them succeeds
 * @property {boolean} [service] its package starts a server, which must not happen here
 */

/** @type {readonly OutsideClient[]} */
export const TEST_CLIENTS = [
  { package: 'mosquitto-clients', purpose: 'MQTT from outside', probes: [['which', 'mosquitto_sub']] },
  {
    package: 'python3-paho-mqtt',
    purpose: 'MQTT from outside',
    probes: [
      ['/usr/bin/python3', '-c', 'import paho.mqtt.client'],
      ['python3', '-c', 'import paho.mqtt.client'],
    ],
  },
  {
    package: 'chromium',
    purpose: 'a browser',
    probes: [
      ['which', 'chromium'],
      ['which', 'google-chrome'],
    ],
  },
];

/** @type {readonly OutsideClient[]} */
export const BENCH_PEERS = [
  {
    package: 'mosquitto',
    purpose: 'the broker that the benchmark compares with',
    probes: [
      ['which', 'mosquitto'],
      ['test', '-x', '/usr/sbin/mosquitto'],
    ],
    service: true,
  },
];

/**
 * @param {readonly OutsideClient[]} clients
 * @param {import('./run.mjs').Run} run
 */
export async function missingOf(clients, run) {
  const there = await Promise.all(clients.map((client) => isThere(client, run)));
  return clients.filter((_client, index) => !there[index]);
}

/** @param {OutsideClient} client @param {import('./run.mjs').Run} run */
async function isThere({ probes }, run) {
  for (const [command = '', ...args] of probes) {
    if ((await run(command, args, { timeoutMs: 20_000 })).code === 0) return true;
  }
  return false;
}

/**
 * Installs what is missing where that is allowed (root on a Debian host) and lists the rest. Never fails: the
 * tests of what is not there do, with what to install.
 * @param {object} options
 * @param {readonly OutsideClient[]} options.clients
 * @param {import('./run.mjs').Run} options.run
 * @param {import('./progress.mjs').Progress} options.progress
 * @param {boolean} options.mayInstall
 * @returns {Promise<readonly OutsideClient[]>} what is still missing
 */
export async function ensureClients({ clients, run, progress, mayInstall }) {
  let missing = await missingOf(clients, run);
  if (missing.length > 0 && mayInstall) {
    await progress.step('asking apt for its packages', () =>
      run('apt-get', [...APT, 'update'], { env: APT_ENV }),
    );
    for (const client of missing) {
      const size = megabytes(await downloadBytes(client, run));
      await progress.step(`installing ${client.package}${size}`, () => aptInstall(client, run));
    }
    missing = await missingOf(clients, run);
  }
  if (missing.length > 0) {
    progress.note(`missing: ${missing.map((client) => `${client.package} (${client.purpose})`).join(', ')}`);
    progress.note(`on Debian: sudo apt-get install ${missing.map((client) => client.package).join(' ')}`);
  }
  return missing;
}

const APT_ENV = { DEBIAN_FRONTEND: 'noninteractive' };
const APT = ['-qq', '-o', 'DPkg::Lock::Timeout=300'];

/** @param {OutsideClient} client */
const installOf = (client) => ['install', '-y', '--no-install-recommends', client.package];

/** @param {OutsideClient} client @param {import('./run.mjs').Run} run */
async function aptInstall(client, run) {
  const install = ['apt-get', ...APT, ...installOf(client)];
  // A package of a server would start it, on a port that the hub uses: apt is told not to, for this one call.
  const [command = '', ...args] = client.service ? ['sh', '-c', WITHOUT_START, ...install] : install;
  await run(command, args, { env: APT_ENV });
}

/**
 * What apt would download for it, with all that it needs and this host does not have: lines of `'uri' file size sum`.
 * @param {OutsideClient} client
 * @param {import('./run.mjs').Run} run
 */
async function downloadBytes(client, run) {
  const { stdout } = await run('apt-get', ['-qq', '--print-uris', ...installOf(client)], { env: APT_ENV });
  const sizes = Array.from(stdout.matchAll(/^'[^']*' \S+ (\d+)/gm), ([, size]) => Number(size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** @param {number} bytes 0: not known */
const megabytes = (bytes) => (bytes === 0 ? '' : ` (${Math.ceil(bytes / 1_000_000)} MB to download)`);

const POLICY = '/usr/sbin/policy-rc.d';
const WITHOUT_START = `
  if [ -e ${POLICY} ]; then exec "$0" "$@"; fi
  printf '#!/bin/sh\\nexit 101\\n' >${POLICY} && chmod +x ${POLICY}
  trap 'rm -f ${POLICY}' EXIT
  "$0" "$@"`;
