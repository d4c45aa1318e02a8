/** How a client says who it is. */
export interface ProofOptions {
  /** A JWT or an API key; a function is asked at each attempt to connect, so that it may give a fresh one. */
  readonly token?: string | (() => string | Promise<string>);
  /** With `password`. */
  readonly user?: string;
  readonly password?: string;
}

/** What is shown on each connection, and whether it may be another one next time. */
export interface Proof {
  /** The `auth` frame. Rejects with what the function throws. */
  frame(): Promise<object>;
  readonly renewed: boolean;
}

/** Undefined: nothing is shown. */
export function proofOf({ token, user, password }: ProofOptions): Proof | undefined {
  if (typeof token === 'function')
    return { frame: async () => ({ op: 'auth', token: await token() }), renewed: true };
  if (token !== undefined) return { frame: async () => ({ op: 'auth', token }), renewed: false };
  if (user === undefined && password === undefined) return undefined;
  const frame = { op: 'auth', user: user ?? '', password: password ?? '' };
  return { frame: async () => frame, renewed: false };
}
