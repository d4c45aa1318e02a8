import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Where balancers of tests come from: another address of this machine than its clients. */
export const BALANCER_ADDRESS = '127.0.0.2';

export interface Balancer extends AsyncDisposable {
  readonly port: number;
}

/** The bytes that a connection begins with which a balancer made for somebody. */
export const proxyHeader = {
  v1: (address: string): Buffer => Buffer.from(`PROXY TCP4 ${address} 192.0.2.250 40000 443\r\n`),
  v2(address: string): Buffer {
    const ports = Buffer.from([0x9c, 0x40, 0x01, 0xbb]);
    const addresses = [address, '192.0.2.250'].flatMap((text) => text.split('.').map(Number));
    return Buffer.concat([
      Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c', 'latin1'),
      Buffer.from(addresses),
      ports,
    ]);
  },
} as const;

/** Passes connections on to a port of 127.0.0.1 from `from`, each with `header` before what its client says. */
export async function startBalancer(
  to: number,
  header: Uint8Array,
  from: string = BALANCER_ADDRESS,
): Promise<Balancer> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const door = connect({ port: to, host: '127.0.0.1', localAddress: from });
    door.write(header);
    for (const [one, other] of [
      [client, door],
      [door, client],
    ] as const) {
      open.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        open.delete(one);
        other.destroySoon();
      });
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
}
