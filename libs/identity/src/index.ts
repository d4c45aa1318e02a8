export { ANONYMOUS_PRINCIPAL, userName } from './principal.ts';
export type { Principal } from './principal.ts';
export type { Credentials, Identity, Source } from './identity.ts';
export type { Access, FilterRuling } from './access.ts';
export { OPEN_IDENTITY } from './open-identity.ts';
export { CHALLENGES, provenCertificate, requestCredentials } from './request-credentials.ts';
export { createRights } from './rights.ts';
export type { Rights } from './rights.ts';
export type { Authenticated, Challenge, ChallengeMethod } from './challenge-method.ts';
export { createScramMethod, scramNonce } from './scram-method.ts';
export type { ScramMethodOptions, ScramUsers } from './scram-method.ts';
export {
  LEAST_ITERATIONS,
  parseScramVerifier,
  SCRAM_SHA_256,
  scramVerifier,
  USUAL_SALT_BYTES,
} from './scram-verifier.ts';
export type { ScramVerifier, ScramVerifierOptions } from './scram-verifier.ts';
export { authSection } from './config.ts';
export type { AuthConfig } from './config.ts';
export { createIdentity } from './create-identity.ts';
export type { IdentityOptions, StoredIdentity } from './create-identity.ts';
export { IDENTITY_METRICS } from './stats.ts';
export type { IdentityStats } from './stats.ts';
export { createAudit, writeAudit } from './audit/audit.ts';
export type { Audit, AuditEntry, AuditOptions, WriteAuditOptions } from './audit/audit.ts';
export { passwordHash, USUAL_COST } from './password/argon2.ts';
export type { Argon2Cost } from './password/password-hash.ts';
export type { Author, IdentityBus } from './stored/author.ts';
export {
  removeCredential,
  storeCredential,
  storedCredential,
  storedCredentials,
} from './stored/credentials.ts';
export type { CredentialChange, StoreOptions } from './stored/credentials.ts';
export { createApiKey, revokeApiKey, storedApiKeys } from './stored/api-keys.ts';
export type { CreatedApiKey, NewApiKey, StoredApiKey } from './stored/api-keys.ts';
export { BUILT_IN_POLICIES, BUILT_IN_PREFIX } from './policy/built-in-policies.ts';
export { checkPolicy } from './policy/check-policy.ts';
export { clientPermissions } from './policy/client-permissions.ts';
export type { ClientPermissionsOptions } from './policy/client-permissions.ts';
export { compilePermissions } from './policy/permissions.ts';
export type { Decision, Permissions, PermissionsOptions, StatementName } from './policy/permissions.ts';
export { policiesOf } from './policy/policies-of.ts';
export { readPolicy, removePolicy, storedPolicies, storePolicy } from './policy/stored-policies.ts';
