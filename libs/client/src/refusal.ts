import { isErrorCode, toWsClose, type ErrorCode } from '@trivium/contracts';

/** The hub does not want this client. */
export interface Refusal {
  readonly code: ErrorCode;
  /** Empty: the hub did not say why. */
  readonly message: string;
  /** A fresh proof of who it is may be a good one. */
  readonly renewable: boolean;
}

const FINAL = new Map(
  (['auth.required', 'auth.denied', 'session.taken-over'] as const).map((code) => [toWsClose(code), code]),
);

/** Undefined: the connection is gone for another reason, and another attempt may end better. */
export function refusalOf(closeCode: number, reason: string): Refusal | undefined {
  const code = FINAL.get(closeCode);
  if (code === undefined) return undefined;
  // Several codes close alike; the reason begins with the right one.
  const [, named = '', message = ''] = /^([a-z.-]+): (.*)$/s.exec(reason) ?? [];
  const isNamed = isErrorCode(named) && toWsClose(named) === closeCode;
  return {
    code: isNamed ? named : code,
    message: isNamed ? message : reason,
    renewable: code === 'auth.required',
  };
}
