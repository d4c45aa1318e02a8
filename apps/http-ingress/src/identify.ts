import type { PublicError, Result } from '@trivium/contracts';
import type { FastifyRequest } from 'fastify';
import type { App } from './app.ts';
import { callerOf, type Caller, type CallerOptions } from './caller.ts';
import { sendProblem } from './problem.ts';

/** What the API is like is told everybody. */
const OPEN_ROUTES = /^\/(?:openapi\.json|docs(?:\/.*)?)$/;

/**
 * From here on a request to a route is from somebody (`request.caller`), or goes no further. `refusalOf`: why those of a caller go no
 * further all the same. A preflight, which never says who it is from, has been answered before.
 */
export function identifyCallers(
  app: App,
  options: CallerOptions,
  refusalOf: (counted: string) => PublicError | undefined,
): void {
  const isOpen = (request: FastifyRequest): boolean =>
    request.is404 || OPEN_ROUTES.test(request.routeOptions.url ?? '');

  app.decorateRequest('caller', null as unknown as Caller);
  app.addHook('onRequest', (request, reply, done) => {
    const goOn = (counted: string): void => {
      const error = refusalOf(counted);
      if (error === undefined) done();
      else void sendProblem(request, reply, error);
    };
    const identified = (caller: Result<Caller>): void => {
      if (!caller.ok) return void sendProblem(request, reply, caller.error);
      request.caller = caller.value;
      goOn(caller.value.counted);
    };
    if (isOpen(request)) return goOn(request.ip);
    const caller = callerOf(request, options);
    if (caller instanceof Promise) void caller.then(identified);
    else identified(caller);
  });
}
