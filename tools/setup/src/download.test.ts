import { describe, expect, it } from 'vitest';
import { downloadText } from './download.mjs';
import { serve } from './serve.fixture.ts';

const timeouts = { connectMs: 100, idleMs: 100 };

describe('download', () => {
  it('gives up on a host that does not answer', async () => {
    const url = await serve(() => {});
    await expect(downloadText(url, timeouts)).rejects.toThrow(/no answer from 127\.0\.0\.1:\d+ in 100 ms/);
  });

  it('gives up on a body that stops', async () => {
    const url = await serve((_request, response) => void response.write('half'));
    await expect(downloadText(url, timeouts)).rejects.toThrow(/sent nothing for 100 ms/);
  });

  it('gives up on a body that is cut', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('half', () => response.destroy());
    });
    await expect(downloadText(url, timeouts)).rejects.toThrow();
  });
});
