import { messageSubject } from '@trivium/contracts';
import { isRoute, type TopicRoute, type TopicRoutes } from './topic-routes.ts';

/** The topic of the PUBLISH at hand and its subjects, for one client. The last one is kept: devices repeat themselves. */
export class IncomingTopic {
  subject0 = '';
  subject1 = '';
  readonly #routes: TopicRoutes;
  /** The client, in subjects. */
  readonly #token: string;
  #route: TopicRoute | undefined;
  /** MQTT 5: topics by their alias, for this connection. */
  #aliases: Map<number, TopicRoute> | undefined;

  constructor(routes: TopicRoutes, token: string) {
    this.#routes = routes;
    this.#token = token;
  }

  /** Once one was found. */
  get route(): TopicRoute {
    return this.#route!;
  }

  get subject2(): string {
    return messageSubject(2, this.#token, this.route.tokens);
  }

  /** By name, [start, end). False: it is none that this door takes; `routes.refusal` says why. */
  find(buffer: Buffer, start: number, end: number): boolean {
    const known = this.#route;
    if (known !== undefined && isRoute(known, buffer, start, end)) return true;
    const route = this.#routes.find(buffer, start, end);
    if (route === undefined) return false;
    this.#turnTo(route);
    return true;
  }

  /** By its alias. False: it stands for none. */
  findAlias(alias: number): boolean {
    const route = this.#aliases?.get(alias);
    if (route === undefined) return false;
    if (route !== this.#route) this.#turnTo(route);
    return true;
  }

  /** From now on `alias` stands for the topic that was found last. */
  name(alias: number): void {
    (this.#aliases ??= new Map()).set(alias, this.route);
  }

  #turnTo(route: TopicRoute): void {
    this.#route = route;
    this.subject0 = messageSubject(0, this.#token, route.tokens);
    this.subject1 = messageSubject(1, this.#token, route.tokens);
  }
}
