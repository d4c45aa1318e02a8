import { fileURLToPath } from 'node:url';

const fixture = (name: string): string => fileURLToPath(new URL(`${name}.pem`, import.meta.url));

/** A certificate of 127.0.0.1 that is its own authority, */
export const FIRST = { tlsCert: fixture('first.cert'), tlsKey: fixture('first.key') };
/** and another one. */
export const RENEWED = { tlsCert: fixture('renewed.cert'), tlsKey: fixture('renewed.key') };
