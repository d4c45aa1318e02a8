import type { PolicyAction, PolicyRecord, PolicyStatement, TopicAction } from '@trivium/contracts';
import type { FilterRuling } from '../access.ts';
import { ALLOWS, DENIES, isTopicAction } from './action-bits.ts';
import { matchesClient } from './client-pattern.ts';
import { compiledPolicies, type CompiledPolicies, type CompiledStatement } from './compiled-policies.ts';
import type { FilledLevels } from './pattern-tree.ts';
import type { PlaceholderValues } from './placeholder.ts';
import { RecentBits } from './recent-bits.ts';
import { covers, filledLevel, filledPattern, levelsOf, type Levels } from './topic-pattern.ts';

export interface PermissionsOptions extends Partial<Pick<PlaceholderValues, 'attributes' | 'claims'>> {
  /** Of the groups of the principal: `policiesOf`. The same records give connections one tree. */
  policies: readonly PolicyRecord[];
  /** Its name. */
  principal: string;
  /** Undefined: there is no client id. */
  client: string | undefined;
  /** The hub made the client id up: it is anybody's, unless it is denied. */
  assigned?: boolean | undefined;
}

/** What decided: a statement, or nothing, which refuses too. */
export interface Decision {
  readonly allowed: boolean;
  readonly by?: StatementName;
}

export interface StatementName {
  readonly policy: string;
  /** In its policy, from 1. */
  readonly statement: number;
  readonly effect: PolicyStatement['effect'];
}

/** What some policies let one client of one principal do. Never changes. */
export interface Permissions {
  /** Everything is allowed: every action on every topic, and `admin`. */
  readonly unrestricted: boolean;
  /** Under this client id. */
  readonly mayConnect: boolean;
  readonly mayAdminister: boolean;
  /** A topic; for `subscribe` a filter too. Under 1 µs for what was asked about before. */
  may(action: TopicAction, topic: string): boolean;
  /** A filter without `$share/…/`. Granted: one pattern covers it, and nothing of it is denied. */
  subscription(filter: string, shared: boolean): FilterRuling;
  /** The first statement that denies, else the first that allows. About a topic, a filter (`subscribe`), a client id (`connect`), or nothing (`admin`). Not for hot paths. */
  decide(action: PolicyAction, about: string): Decision;
}

const RECENT_TOPICS = 64;
const NOTHING_FILLED: FilledLevels = [];

/** Cheap: what the policies say is compiled once for all, here only placeholders are filled in. */
export function compilePermissions(options: PermissionsOptions): Permissions {
  const { principal, client, attributes = {}, claims = {} } = options;
  const values: PlaceholderValues = { principal, client, attributes, claims };
  return new FilledPolicies(compiledPolicies(options.policies), values, options.assigned ?? false);
}

class FilledPolicies implements Permissions {
  readonly unrestricted: boolean;
  readonly mayConnect: boolean;
  readonly mayAdminister: boolean;
  readonly #policies: CompiledPolicies;
  readonly #values: PlaceholderValues;
  readonly #filled: FilledLevels;
  readonly #assigned: boolean;
  #recent: RecentBits | undefined;

  constructor(policies: CompiledPolicies, values: PlaceholderValues, assigned: boolean) {
    this.#policies = policies;
    this.#values = values;
    this.#assigned = assigned;
    const { openLevels } = policies;
    this.#filled =
      openLevels.length === 0
        ? NOTHING_FILLED
        : openLevels.map(({ level, effect }) => filledLevel(level, values, effect));
    this.unrestricted = policies.unrestricted;
    this.mayAdminister = policies.mayAdminister;
    this.mayConnect = this.decide('connect', values.client ?? '').allowed;
  }

  may(action: TopicAction, topic: string): boolean {
    if (this.unrestricted) return true;
    const asked = ALLOWS[action] | DENIES[action];
    const bits = (this.#policies.openBits & asked) === 0 ? this.#fixedBits(topic) : this.#bits(topic);
    return (bits & ALLOWS[action]) !== 0 && (bits & DENIES[action]) === 0;
  }

  subscription(filter: string, shared: boolean): FilterRuling {
    if (this.unrestricted) return 'granted';
    if (!this.may('subscribe', filter)) return 'refused';
    const levels = levelsOf(filter);
    const allowed = (this.#bits(filter) & ALLOWS.receive) !== 0;
    const { fixed, open } = this.#policies;
    const touched = fixed.overlapping(levels, NOTHING_FILLED) | open.overlapping(levels, this.#filled);
    if (allowed && (touched & DENIES.receive) === 0) return 'granted';
    return shared ? 'refused' : 'guarded';
  }

  decide(action: PolicyAction, about: string): Decision {
    const { statements } = this.#policies;
    const levels = isTopicAction(action) ? levelsOf(about) : undefined;
    const denies = statements.find(
      (each) => each.effect === 'deny' && this.#speaksOf(each, action, about, levels),
    );
    if (denies !== undefined) return { allowed: false, by: nameOf(denies) };
    const allows = statements.find(
      (each) => each.effect === 'allow' && this.#speaksOf(each, action, about, levels),
    );
    if (allows !== undefined) return { allowed: true, by: nameOf(allows) };
    return { allowed: action === 'connect' && (this.#assigned || this.#values.client === undefined) };
  }

  #speaksOf(
    { effect, actions, topics, clients }: CompiledStatement,
    action: PolicyAction,
    about: string,
    levels: Levels | undefined,
  ): boolean {
    const meant =
      actions.has(action) || (action === 'receive' && effect === 'deny' && actions.has('subscribe'));
    if (!meant) return false;
    if (action === 'admin') return true;
    if (levels === undefined)
      return clients.some((pattern) => matchesClient(pattern, about, this.#values, effect));
    return topics.some((pattern) => {
      const filled = filledPattern(pattern, this.#values, effect);
      return filled !== undefined && covers(filled, levels);
    });
  }

  /** Of all patterns that cover the topic, or filter. */
  #bits(topic: string): number {
    if (this.#filled === NOTHING_FILLED) return this.#fixedBits(topic);
    this.#recent ??= new RecentBits(RECENT_TOPICS);
    const known = this.#recent.get(topic);
    if (known !== undefined) return known;
    const levels = levelsOf(topic);
    const { fixed, open } = this.#policies;
    const bits = fixed.covering(levels, NOTHING_FILLED) | open.covering(levels, this.#filled);
    this.#recent.set(topic, bits);
    return bits;
  }

  /** Of those without placeholders: remembered for everybody. */
  #fixedBits(topic: string): number {
    const { fixed, recent } = this.#policies;
    const known = recent.get(topic);
    if (known !== undefined) return known;
    const bits = fixed.covering(levelsOf(topic), NOTHING_FILLED);
    recent.set(topic, bits);
    return bits;
  }
}

function nameOf({ policy, number, effect }: CompiledStatement): StatementName {
  return { policy, statement: number, effect };
}
