import { Type, type Static } from 'typebox';
import { readScram } from './scram-users.ts';

/** `auth.jwt`: whose tokens are taken. */
const jwtSection = Type.Object({
  keys: Type.String({
    default: '',
    description: 'JWKS of who signs them: a file, or a URL; empty: no JWT is taken',
  }),
  issuer: Type.String({ default: '', description: 'What `iss` has to be; empty: anything' }),
  audience: Type.String({ default: '', description: 'What `aud` has to hold; empty: anything' }),
  nameClaim: Type.String({ default: 'sub', minLength: 1, description: 'The claim that names the principal' }),
  groupsClaim: Type.String({ default: 'groups', minLength: 1, description: 'The claim that has its groups' }),
});

/** `auth.certificate`: who the owner of a client certificate is. */
const certificateSection = Type.Object({
  name: Type.Union([Type.Literal('cn'), Type.Literal('dns'), Type.Literal('uri'), Type.Literal('email')], {
    default: 'cn',
    description: 'Its name: the common name of the subject, or a subject alternative name',
  }),
});

/** `auth.argon2`: what new passwords cost, and what it costs to try one. */
const argon2Section = Type.Object({
  memoryKiB: Type.Integer({
    default: 19_456,
    minimum: 1_024,
    maximum: 1_048_576,
    description: 'Memory that one verification takes',
  }),
  passes: Type.Integer({ default: 2, minimum: 1, maximum: 16, description: 'How often it goes over it' }),
});

/** `auth`: who may prove who he is, and by what. */
export const authSection = Type.Object(
  {
    required: Type.Boolean({
      default: false,
      description: 'Nobody gets in anonymously, at any listener; with it listeners beyond loopback may start',
    }),
    scram: Type.Record(Type.String(), Type.String(), {
      default: {},
      writeOnly: true,
      description:
        'SCRAM-SHA-256 verifiers by user name, as `npm run scram -- <user>` prints them, for users that are not stored in the hub',
      entryFaults: (scram: Record<string, string>) => readScram(scram).faults,
    }),
    jwt: jwtSection,
    certificate: certificateSection,
    argon2: argon2Section,
  },
  { description: 'Authentication' },
);

export type AuthConfig = Static<typeof authSection>;
