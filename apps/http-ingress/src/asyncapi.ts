import { asyncApi, type DescribedSite, type MessageContracts } from '@trivium/message-contracts';
import type { App } from './app.ts';

/** `/asyncapi.json`: the hub with the contracts as they are now, written anew when they change. */
export function describeMessages(
  app: App,
  contracts: MessageContracts,
  version: string,
  site: DescribedSite,
): void {
  let text = '';
  let of = -1;
  app.get('/asyncapi.json', { schema: { hide: true } }, (_request, reply) => {
    if (of !== contracts.version) {
      text = JSON.stringify(asyncApi({ contracts: contracts.list(), version, site }));
      of = contracts.version;
    }
    return reply.type('application/json').send(text);
  });
}
