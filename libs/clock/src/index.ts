export { systemClock } from './clock.ts';
export { handClock } from './hand-clock.ts';
export type { Clock } from './clock.ts';
