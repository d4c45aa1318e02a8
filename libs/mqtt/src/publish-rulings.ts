import type { Access } from '@trivium/identity';
import { mayPublish } from './rights.ts';
import type { TopicRoute } from './topic-routes.ts';

/** Topics whose rulings one connection remembers. */
const MAX_TOPICS = 256;

const REFUSED = 1;
const PUBLISH = 2;
const RETAIN = 3;
type Ruling = typeof REFUSED | typeof PUBLISH | typeof RETAIN;

/**
 * What the client of one connection may publish to, by the topics that it published to lately: devices repeat themselves. Nothing is
 * made per message, and nothing for a client with one topic.
 */
export class PublishRulings {
  #access: Access | undefined;
  #version = 0;
  /** The topic of the last message, and what was said of it. */
  #route: TopicRoute | undefined;
  #ruling: Ruling = REFUSED;
  #known: Map<TopicRoute, Ruling> | undefined;

  allows(access: Access, route: TopicRoute, retain: boolean): boolean {
    if (access !== this.#access || access.version !== this.#version) this.#begin(access);
    else if (route === this.#route) return this.#ruling >= (retain ? RETAIN : PUBLISH);
    this.#ruling = this.#rulingOn(access, route);
    this.#route = route;
    return this.#ruling >= (retain ? RETAIN : PUBLISH);
  }

  #begin(access: Access): void {
    this.#access = access;
    this.#version = access.version;
    this.#route = undefined;
    this.#known = undefined;
  }

  #rulingOn(access: Access, route: TopicRoute): Ruling {
    if (this.#route === undefined) return ask(access, route);
    const known = (this.#known ??= new Map());
    if (known.size === 0) known.set(this.#route, this.#ruling);
    const there = known.get(route);
    if (there !== undefined) return there;
    const ruling = ask(access, route);
    if (known.size >= MAX_TOPICS) known.clear();
    known.set(route, ruling);
    return ruling;
  }
}

function ask(access: Access, { topic }: TopicRoute): Ruling {
  if (!mayPublish(access, topic, false)) return REFUSED;
  return access.may('retain', topic) ? RETAIN : PUBLISH;
}
