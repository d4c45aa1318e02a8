import { createWriteStream } from 'node:fs';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { pipeline } from 'node:stream/promises';

const MAX_REDIRECTS = 5;

/**
 * @typedef {object} DownloadOptions
 * @property {number} connectMs until the first byte of an answer, per redirect
 * @property {number} idleMs longest silence in the body
 */

/** @type {DownloadOptions} */
export const DEFAULT_TIMEOUTS = { connectMs: 10_000, idleMs: 30_000 };

/**
 * Downloads `url` into `file`, following redirects. Rejects on any status but 200, on a broken body and when a
 * timeout passes; a partial file may then be left behind.
 * @param {string} url
 * @param {string} file
 * @param {DownloadOptions} [timeouts]
 */
export async function downloadFile(url, file, timeouts = DEFAULT_TIMEOUTS) {
  const response = await open(url, timeouts, MAX_REDIRECTS);
  await pipeline(response, createWriteStream(file));
}

/**
 * The same, into a string; for small files.
 * @param {string} url
 * @param {DownloadOptions} [timeouts]
 */
export async function downloadText(url, timeouts = DEFAULT_TIMEOUTS) {
  const response = await open(url, timeouts, MAX_REDIRECTS);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text;
}

/**
 * @param {string} url
 * @param {DownloadOptions} timeouts
 * @param {number} redirectsLeft
 * @returns {Promise<import('node:http').IncomingMessage>}
 */
function open(url, timeouts, redirectsLeft) {
  return new Promise((resolve, reject) => {
    const get = url.startsWith('https:') ? httpsGet : httpGet;
    const request = get(url, { headers: { 'user-agent': 'trivium-setup' } });
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer from ${new URL(url).host} in ${timeouts.connectMs} ms`)),
      timeouts.connectMs,
    );
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.on('response', (response) => {
      clearTimeout(timer);
      const status = response.statusCode ?? 0;
      const { location } = response.headers;
      if (status >= 300 && status < 400 && location !== undefined) {
        response.resume();
        const next = new URL(location, url);
        if (redirectsLeft === 0) reject(new Error(`too many redirects, the last one to ${next.host}`));
        else if (url.startsWith('https:') && next.protocol !== 'https:')
          reject(new Error(`${next.host} would be reached without TLS`));
        else resolve(open(next.href, timeouts, redirectsLeft - 1));
        return;
      }
      if (status !== 200) {
        response.resume();
        reject(new Error(`${new URL(url).host} answered ${status} for ${new URL(url).pathname}`));
        return;
      }
      response.setTimeout(timeouts.idleMs, () =>
        response.destroy(new Error(`${new URL(url).host} sent nothing for ${timeouts.idleMs} ms`)),
      );
      resolve(response);
    });
  });
}
