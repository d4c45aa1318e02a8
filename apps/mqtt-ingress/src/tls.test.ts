import { execFile, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  outsideClient,
  startDoorProcess,
  startNats,
  tempDir,
  testAuthority,
  waitFor,
  type NatsServer,
  type TempDir,
  type TestAuthority,
} from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);

let nats: NatsServer;
let folder: TempDir;
let authority: TestAuthority;
beforeAll(async () => {
  [nats, folder] = await Promise.all([startNats(), tempDir()]);
  authority = await testAuthority(folder.path);
});
afterAll(async () => {
  await nats.stop();
  await folder.remove();
});

async function start(env: Record<string, string>) {
  const { certFile, keyFile } = await authority.issue('door');
  return startDoorProcess('mqtt', nats.url, {
    ...{ TRIVIUM_TLS_CERT: certFile, TRIVIUM_TLS_KEY: keyFile },
    ...env,
  });
}

test.each(['trivium', 'aedes'])('engine %s: mosquitto publishes and subscribes over TLS', async (engine) => {
  const [pub, sub] = await Promise.all([outsideClient('mosquitto_pub'), outsideClient('mosquitto_sub')]);
  await using door = await start({ TRIVIUM_MQTT_ENGINE: engine });
  const to = ['-h', 'localhost', '-p', String(door.tlsPort), '--cafile', authority.certFile];
  const options = [...to, '--tls-alpn', 'mqtt', '-d', '-q', '1', '-t', 'tls/#', '-C', '1'];
  // Its lines come when they are written, not when there is a page of them.
  const listening = spawn('stdbuf', ['-oL', sub!.command, ...options]);
  let heard = '';
  listening.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  await waitFor(() => heard.includes('Subscribed'));
  await run(pub!.command, [...to, '-q', '1', '-t', 'tls/a', '-m', 'over TLS']);
  await waitFor(() => listening.exitCode === 0);
  expect(heard).toContain('over TLS');
  await expect(run(pub!.command, [...to, '--tls-alpn', 'x-other', '-t', 'a', '-m', 'x'])).rejects.toThrow();
});

test('with client certificates required, mosquitto gets in with one, and not without or with a revoked one', async () => {
  const pub = await outsideClient('mosquitto_pub');
  const list = join(folder.path, 'revoked.pem');
  const device = await authority.issue('device-1');
  await writeFile(list, await authority.revoke([]));
  await using door = await start({
    TRIVIUM_TLS_CLIENT_CERTIFICATES: 'required',
    TRIVIUM_TLS_CLIENT_CA: authority.certFile,
    TRIVIUM_TLS_REVOCATION_LIST: list,
  });
  const to = [
    '-h',
    'localhost',
    '-p',
    String(door.tlsPort),
    '--cafile',
    authority.certFile,
    '-q',
    '1',
    '-t',
    'a',
    '-m',
    'x',
  ];
  const showing = ['--cert', device.certFile, '--key', device.keyFile];
  await run(pub!.command, [...to, ...showing]);
  await expect(run(pub!.command, to)).rejects.toThrow();
  await writeFile(list, await authority.revoke([device]));
  await waitFor(
    () =>
      run(pub!.command, [...to, ...showing]).then(
        () => false,
        () => true,
      ),
    { timeoutMs: 60_000 },
  );
});
