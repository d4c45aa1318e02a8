import type { PolicyAction, PolicyRecord, PolicyStatement } from '@trivium/contracts';
import { EVERY_ALLOWANCE, EVERY_DENIAL, statementBits } from './action-bits.ts';
import { parseClientPattern, type ClientPattern } from './client-pattern.ts';
import { PatternTree } from './pattern-tree.ts';
import { RecentBits } from './recent-bits.ts';
import { DOLLAR_PLUS, parseTopicPattern, PLUS, type OpenLevel, type TopicPattern } from './topic-pattern.ts';

/** One statement, ready to be asked. */
export interface CompiledStatement {
  readonly policy: string;
  /** In its policy, from 1. */
  readonly number: number;
  readonly effect: PolicyStatement['effect'];
  readonly actions: ReadonlySet<PolicyAction>;
  readonly topics: readonly TopicPattern[];
  readonly clients: readonly ClientPattern[];
}

/** An open level as the statements of one effect have it: its text depends on that. */
export interface EffectiveLevel {
  readonly level: OpenLevel;
  readonly effect: PolicyStatement['effect'];
}

/** Some policies, compiled: everything that is the same for whoever they hold for. */
export interface CompiledPolicies {
  readonly statements: readonly CompiledStatement[];
  /** Patterns without placeholders. */
  readonly fixed: PatternTree;
  /** Patterns with placeholders, and the levels that have them, by number. */
  readonly open: PatternTree;
  readonly openLevels: readonly EffectiveLevel[];
  /** The bits that `open` can answer with. */
  readonly openBits: number;
  /** What `fixed` answered. */
  readonly recent: RecentBits;
  readonly mayAdminister: boolean;
  /** Everything is allowed, whoever it is. */
  readonly unrestricted: boolean;
}

const RECENT_TOPICS = 10_000;

/** Of records that `checkPolicy` accepts. */
function compile(policies: readonly PolicyRecord[]): CompiledPolicies {
  const statements: CompiledStatement[] = [];
  const fixed = new PatternTree();
  const open = new PatternTree();
  const levels = createLevelNumbers();
  let [openBits, allBits] = [0, 0];
  for (const { name, statements: own } of policies)
    own.forEach((statement, i) => {
      const { effect, actions, topics = [], clients = [] } = statement;
      const bits = statementBits(statement);
      const patterns = topics.map((text) => parsed(parseTopicPattern(text)));
      for (const { levels: parts, rest } of patterns) {
        if (bits === 0) continue;
        allBits |= bits;
        if (parts.every((level) => typeof level === 'string')) fixed.add(parts, rest, bits);
        else {
          openBits |= bits;
          const numbered = parts.map((level) =>
            typeof level === 'string' ? level : levels.numberOf({ level, effect }),
          );
          open.add(numbered, rest, bits);
        }
      }
      statements.push({
        ...{ policy: name, number: i + 1, effect, actions: new Set(actions), topics: patterns },
        clients: clients.map((text) => parsed(parseClientPattern(text))),
      });
    });
  const administers = (effect: PolicyStatement['effect']): boolean =>
    statements.some((each) => each.effect === effect && each.actions.has('admin'));
  const mayAdminister = administers('allow') && !administers('deny');
  const allows = (first: string): boolean =>
    (fixed.covering({ levels: [first], rest: true }, []) & EVERY_ALLOWANCE) === EVERY_ALLOWANCE;
  return {
    ...{ statements, fixed, open, openLevels: levels.all, openBits, mayAdminister },
    recent: new RecentBits(RECENT_TOPICS),
    unrestricted: mayAdminister && (allBits & EVERY_DENIAL) === 0 && allows(PLUS) && allows(DOLLAR_PLUS),
  };
}

function parsed<T>(result: { ok: true; value: T } | { ok: false; error: { message: string } }): T {
  if (!result.ok) throw new Error(`a policy that was never checked: ${result.error.message}`);
  return result.value;
}

/** The same number for the same text under the same effect. */
function createLevelNumbers() {
  const all: EffectiveLevel[] = [];
  const numbers = new Map<string, number>();
  return {
    all,
    numberOf(level: EffectiveLevel): number {
      const key = JSON.stringify(level);
      let number = numbers.get(key);
      if (number === undefined) {
        numbers.set(key, (number = all.length));
        all.push(level);
      }
      return number;
    },
  };
}

interface Known {
  compiled: CompiledPolicies | undefined;
  readonly further: WeakMap<PolicyRecord, Known>;
}

const known: Known = { compiled: undefined, further: new WeakMap() };

/** Compiled once for the same records in the same order, and forgotten with them. */
export function compiledPolicies(policies: readonly PolicyRecord[]): CompiledPolicies {
  let here = known;
  for (const policy of policies) {
    let next = here.further.get(policy);
    if (next === undefined)
      here.further.set(policy, (next = { compiled: undefined, further: new WeakMap() }));
    here = next;
  }
  return (here.compiled ??= compile(policies));
}
