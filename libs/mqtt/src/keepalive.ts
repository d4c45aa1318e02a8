/** Interval of a door's one timer. */
export const TICK_MS = 500;
/** Ticks after which a connection that was told to close is cut off. */
export const LINGER_TICKS = 4;

/** Ticks that surely last `ms`, counted from somewhere in the current one. */
export function ticksFor(ms: number): number {
  return Math.ceil(ms / TICK_MS) + 1;
}

/** Ticks of silence after which a client is gone: one and a half times its keep alive [MQTT3-3.1.2-24]; Infinity for 0. */
export function keepAliveTicks(keepAliveSeconds: number): number {
  return keepAliveSeconds === 0 ? Infinity : ticksFor(keepAliveSeconds * 1_500);
}
