import { limitsSection } from '@trivium/limits';
import { tlsSection } from '@trivium/tls';
import { Type, type Static } from 'typebox';

/** `proxy`: who may say for whom it connects. */
export const proxySection = Type.Object(
  {
    sources: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Addresses and networks (10.0.0.0/8) of balancers: their connections must begin with a PROXY protocol header, version 1 or 2, and no others may',
    }),
  },
  { description: 'Balancers in front of the doors' },
);

export type ProxyConfig = Static<typeof proxySection>;

/** What every door with a listener has in its configuration, whatever it speaks. */
export const listenerSections = { tls: tlsSection, proxy: proxySection, limits: limitsSection };
