import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), written for tests apart from the server's. */
export interface ScramClient {
  readonly first: Buffer;
  /** What answers the server's first message. */
  final(serverFirst: Uint8Array): Buffer;
  /** Whether the server has shown that it knows the user, after `final`. */
  trusts(serverFinal: Uint8Array): boolean;
}

export interface ScramClientOptions {
  nonce?: string;
  /** With its commas. */
  gs2Header?: string;
}

/** Name and password are taken as they are: give them prepared. */
export function scramClient(
  user: string,
  password: string,
  { nonce = randomBytes(16).toString('base64url'), gs2Header = 'n,,' }: ScramClientOptions = {},
): ScramClient {
  const bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  let expected: string | undefined;
  return {
    first: Buffer.from(gs2Header + bare),
    final(serverFirst) {
      const text = Buffer.from(serverFirst).toString();
      const [, both, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(text) ?? [];
      if (salt === undefined || !both!.startsWith(nonce) || both === nonce)
        throw new Error(`not an answer to this client: ${text}`);
      const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
      const clientKey = hmac(salted, 'Client Key');
      const withoutProof = `c=${Buffer.from(gs2Header).toString('base64')},r=${both}`;
      const signed = `${bare},${text},${withoutProof}`;
      const mask = hmac(createHash('sha256').update(clientKey).digest(), signed);
      const proof = Buffer.from(clientKey.map((byte, i) => byte ^ mask[i]!));
      expected = `v=${hmac(hmac(salted, 'Server Key'), signed).toString('base64')}`;
      return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`);
    },
    trusts: (serverFinal) => expected !== undefined && Buffer.from(serverFinal).toString() === expected,
  };
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
