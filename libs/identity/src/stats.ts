import type { Principal } from './principal.ts';

type Proof = Principal['by'];

/** What a process has seen of clients that sign in. Plain numbers: counting costs an increment. */
export interface IdentityStats {
  /** Sign-ins, by what was shown. */
  signedIn: Record<Proof, number>;
  /** Refused ones, by what was shown. */
  failed: Record<Proof, number>;
  /** Answers that were held back because of failures before. */
  delayed: number;
  /** Refused unheard, because of too many failures, or too many passwords to verify. */
  refused: number;
  /** Stored records that cannot be read, now. */
  unusable: number;
  /** Passwords that wait to be verified, now. */
  waiting: number;
}

const none = (): Record<Proof, number> => ({
  nothing: 0,
  password: 0,
  scram: 0,
  jwt: 0,
  key: 0,
  certificate: 0,
});

export function createStats(): IdentityStats {
  return { signedIn: none(), failed: none(), delayed: 0, refused: 0, unusable: 0, waiting: 0 };
}

/** The numbers as metrics; `of` names the number. */
export const IDENTITY_METRICS = {
  'trivium.identity.sign_ins': { description: 'Clients that signed in', label: 'by', of: 'signedIn' },
  'trivium.identity.sign_ins.failed': {
    description: 'Clients that could not say who they are',
    label: 'by',
    of: 'failed',
  },
  'trivium.identity.sign_ins.delayed': {
    description: 'Answers held back because of failures before',
    of: 'delayed',
  },
  'trivium.identity.sign_ins.refused': {
    description: 'Sign-ins refused unheard: too many failures, or passwords to verify',
    of: 'refused',
  },
  'trivium.identity.records.unusable': {
    description: 'Stored credentials, keys, devices and policies that cannot be read',
    kind: 'gauge',
    of: 'unusable',
  },
  'trivium.identity.passwords.waiting': {
    description: 'Passwords that wait to be verified',
    kind: 'gauge',
    of: 'waiting',
  },
} as const satisfies Record<
  string,
  { description: string; kind?: 'gauge'; label?: string; of: keyof IdentityStats }
>;
