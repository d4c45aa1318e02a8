import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as tlsConnect } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { handClock } from '@trivium/clock';
import { startNats } from '@trivium/testing';
import { expect, test } from 'vitest';
import { startDoor } from './door-under-test.ts';
import { FIRST, RENEWED } from './testing/certificates.ts';
import { http2Client } from './testing/http2-client.ts';

test('a certificate is read again when its files change; one that cannot be used leaves the old one', async () => {
  const clock = handClock();
  const logged: string[] = [];
  const keep = (_fields: object, text = ''): void => void logged.push(text);
  const folder = await mkdtemp(join(tmpdir(), 'trivium-tls-'));
  const files = { tlsCert: join(folder, 'cert.pem'), tlsKey: join(folder, 'key.pem') };
  const put = async (pair: typeof FIRST): Promise<void> => {
    await copyFile(pair.tlsCert, files.tlsCert);
    await copyFile(pair.tlsKey, files.tlsKey);
  };
  const turn = (): void => clock.advance(5_000);
  try {
    await put(FIRST);
    await using nats = await startNats();
    const ca = await readFile(FIRST.tlsCert, 'utf8');
    await using changing = await startDoor(nats.url, {
      config: files,
      clock,
      logger: { debug() {}, info: keep, warn: keep, error: keep },
    });
    const subject = () =>
      new Promise<unknown>((resolve, reject) => {
        const socket = tlsConnect({ port: changing.tlsPort, host: '127.0.0.1', rejectUnauthorized: false });
        socket.once('error', reject);
        socket.once('secureConnect', () => {
          resolve(socket.getPeerCertificate().subject.CN);
          socket.destroy();
        });
      });
    expect(await subject()).toBe('trivium test first');
    await using before = http2Client(changing.tlsPort, ca);
    expect((await before.ask({ ':path': '/v1/devices' }).done()).status).toBe(200);

    await writeFile(files.tlsCert, 'no certificate');
    turn();
    turn();
    await copyFile(RENEWED.tlsCert, files.tlsCert);
    turn();
    await rm(files.tlsKey);
    turn();
    expect(logged).toEqual(Array(3).fill('new certificates cannot be used; the old ones stay'));
    expect(await subject()).toBe('trivium test first');

    await put(RENEWED);
    turn();
    expect(logged.at(-1)).toBe('new certificates are in use');
    expect(await subject()).toBe('trivium test renewed');
    expect((await before.ask({ ':path': '/v1/devices' }).done()).status, 'old connections go on').toBe(200);
  } finally {
    await rm(folder, { recursive: true });
  }
});
