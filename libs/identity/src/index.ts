export { ANONYMOUS, userName } from './principal.ts';
export type { Authenticated, Challenge, ChallengeMethod } from './challenge-method.ts';
export { createScramMethod } from './scram-method.ts';
export type { ScramMethodOptions } from './scram-method.ts';
export {
  LEAST_ITERATIONS,
  parseScramVerifier,
  SCRAM_SHA_256,
  scramVerifier,
  USUAL_SALT_BYTES,
} from './scram-verifier.ts';
export type { ScramVerifier, ScramVerifierOptions } from './scram-verifier.ts';
export { authSection, createChallengeMethods } from './config.ts';
export type { AuthConfig } from './config.ts';
