import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import type { AddressInfo } from 'node:net';
import { repoRoot } from '@trivium/testing';

export interface StaticServer extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

/** Serves the checkout on loopback as any static server does (`index.html` for a folder), and the pages given by their path. */
export async function serveCheckout(pages: Readonly<Record<string, string>> = {}): Promise<StaticServer> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://x');
    const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    const content = pages[pathname] ?? readFile(join(repoRoot(), normalize(path)));
    Promise.resolve(content).then(
      (body) => {
        const type = pathname in pages ? 'text/html' : (TYPES[extname(path)] ?? 'application/octet-stream');
        response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
