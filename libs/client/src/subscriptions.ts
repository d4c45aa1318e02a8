import { matches, parseTopic, type TopicFilter } from '@trivium/contracts';
import type { Message } from './codec.ts';

/** Gets the messages of one filter, in the order of the log. Messages count as handled when what it returns is settled. */
export type Handler = (message: Message) => unknown;

/** One filter, and how far its messages have come. It outlives connections: the hub keeps nothing. */
export interface Entry {
  readonly filter: TopicFilter;
  readonly qos: 0 | 1;
  readonly handler: Handler;
  /** It wants what its topics retain when it begins. */
  readonly retained: boolean;
  /** Everything up to here has been given to the handler; undefined: it has not begun. */
  pos: number | undefined;
  /** What came since the hub was asked; its answer says which of it counts. Undefined: it has answered. */
  held: Message[] | undefined;
  /** Asked for when there was no position yet: what is stored up to here is not its. */
  floor: number;
  /** Retained messages were asked for, and may come. */
  awaitsRetained: boolean;
  /** Until then more of them may be on their way. */
  retainedUntilMs: number;
}

export function createEntry(
  wanted: Pick<Entry, 'filter' | 'qos' | 'handler' | 'retained'>,
  from: number | undefined,
): Entry {
  return {
    ...wanted,
    pos: from,
    held: undefined,
    floor: 0,
    awaitsRetained: false,
    // What goes on from a position has had them, unless it says otherwise.
    retainedUntilMs: wanted.retained ? Infinity : 0,
  };
}

/** A `sub` frame without its id, and whom its answer concerns. */
export interface Request {
  readonly entries: readonly Entry[];
  readonly frame: object;
}

/** How long after the last one, or the hub's answer, further retained messages are expected: nothing marks their end. */
const RETAINED_SETTLE_MS = 10_000;

/**
 * How to ask the hub for `entries`. Those that have a position go on together from the least of them, and what one has had is dropped;
 * the others begin now, above `end`, a position that the log has reached. Retained messages are asked for again where the connection may
 * have ended among them.
 */
export function ask(entries: readonly Entry[], end: number, nowMs: number): Request[] {
  const resuming = entries.filter(({ pos, qos }) => pos !== undefined && qos === 1);
  const beginning = entries.filter((entry) => !resuming.includes(entry));
  return [resuming, beginning]
    .filter((group) => group.length > 0)
    .map((group) => {
      const from = group === resuming ? Math.min(...group.map(({ pos }) => pos!)) : undefined;
      for (const entry of group) {
        entry.held = [];
        entry.floor = end;
        entry.awaitsRetained = entry.retained && (from === undefined || nowMs < entry.retainedUntilMs);
      }
      const filters = group.map(({ filter, qos }) => ({ filter, qos }));
      const frame = { op: 'sub', filters, retained: group.some(({ awaitsRetained }) => awaitsRetained) };
      return { entries: group, frame: from === undefined ? frame : { ...frame, from } };
    });
}

/** The hub has answered: what matches up to `pos` has come, and is returned; what lies above is still to come. */
export function answered(entry: Entry, pos: number | undefined, nowMs: number): Message[] {
  const { held = [] } = entry;
  entry.held = undefined;
  if (entry.awaitsRetained) entry.retainedUntilMs = nowMs + RETAINED_SETTLE_MS;
  if (pos === undefined) return [];
  entry.pos ??= entry.floor;
  const due = held.filter((message) => message.pos! <= pos && isNews(entry, message));
  entry.pos = Math.max(entry.pos, pos);
  return due;
}

/** The connection ended: what was asked for has to be asked for again. */
export function forgetAnswers(entries: Iterable<Entry>): void {
  for (const entry of entries) entry.held = undefined;
}

/** The end of the log as a new connection finds it: a log that lost its end gives positions out again. */
export function logEndsAt(entries: Iterable<Entry>, end: number): void {
  for (const entry of entries) if (entry.pos !== undefined && entry.pos > end) entry.pos = end;
}

const ANY_TOPIC = { maxTopicBytes: 65_535, maxTopicLevels: Infinity };

/** Who is given a message now. Positions move on with it; what an entry has had is not given to it again. */
export function takers(entries: Iterable<Entry>, message: Message, nowMs: number): Entry[] {
  const topic = parseTopic(message.topic, ANY_TOPIC);
  const found: Entry[] = [];
  if (!topic.ok) return found;
  for (const entry of entries) {
    const isIts = matches(entry.filter, topic.value);
    if (message.retain) {
      if (!isIts || !entry.awaitsRetained || entry.held !== undefined) continue;
      entry.retainedUntilMs = nowMs + RETAINED_SETTLE_MS;
      found.push(entry);
    } else if (message.pos === undefined) {
      if (isIts) found.push(entry);
    } else if (entry.held !== undefined) {
      if (isIts) hold(entry.held, message);
    } else if (isNews(entry, message)) {
      // The hub sends in the order of the log: up to here nothing is missing, whoever it is for.
      entry.pos = message.pos;
      if (isIts) found.push(entry);
    }
  }
  return found;
}

/** A position that does not grow: the hub has gone back for this entry, and all before it, sent for another one, comes once more. */
function hold(held: Message[], message: Message): void {
  if (held.length > 0 && message.pos! <= held.at(-1)!.pos!) held.length = 0;
  held.push(message);
}

function isNews(entry: Entry, { pos }: Message): boolean {
  return entry.pos === undefined || pos! > entry.pos;
}
