export { explain, explanationOf } from './explain.ts';
export type { ExplainOptions } from './explain.ts';
export { Decided, Explanation, MatchingSubscription } from './explanation.ts';
export type { Door, Facts, FactsBus, Question, Retained, Token } from './facts.ts';
export { isAnyClientAt, livingDoors } from './living-doors.ts';
