import { Type } from 'typebox';
import { encodeToken } from './token.ts';
import type { Static } from 'typebox';

/** What is written down. */
export const AuditKind = Type.Enum([
  'sign-in-failed',
  'device-changed',
  'device-removed',
  'key-created',
  'key-revoked',
  'policy-stored',
  'policy-removed',
  'command',
]);
export type AuditKind = Static<typeof AuditKind>;

/** Who did what: `tv1.a.<kind>.<principal>` (stream `AUDIT`). No secret, no payload. */
export const AuditRecord = Type.Object(
  {
    v: Type.Literal(1),
    kind: AuditKind,
    /** Who did it, or tried to; as told, when it could not be proved. */
    principal: Type.String(),
    /** Milliseconds since the epoch. */
    at: Type.Integer({ minimum: 0 }),
    /** Where it happened. */
    service: Type.String(),
    address: Type.Optional(Type.String()),
    client: Type.Optional(Type.String()),
    /** What it was done to: a device, a policy, a command's topic. */
    object: Type.Optional(Type.String()),
    /** In words. */
    detail: Type.Optional(Type.String()),
    /** How often within the second, when more than once. */
    times: Type.Optional(Type.Integer({ minimum: 2 })),
  },
  { $id: 'tv1.AuditRecord' },
);
export type AuditRecord = Static<typeof AuditRecord>;

/** `tv1.a.<kind>.<principal>`. */
export function auditSubject(kind: AuditKind, principal: string): string {
  return auditSubjects({ kind, principal });
}

/** The subjects of one kind, of one principal, or of all. */
export function auditSubjects({
  kind,
  principal,
}: {
  readonly kind: AuditKind | undefined;
  readonly principal: string | undefined;
}): string {
  return `tv1.a.${kind ?? '*'}.${principal === undefined ? '*' : encodeToken(principal)}`;
}
