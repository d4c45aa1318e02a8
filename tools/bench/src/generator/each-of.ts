const AT_ONCE = 100;

/** Runs `task` for each item, at most `atOnce` at a time. */
export async function eachOf<T>(
  items: readonly T[],
  task: (item: T) => Promise<void>,
  atOnce: number = AT_ONCE,
): Promise<void> {
  const queue = items.values();
  const lane = async () => {
    for (const item of queue) await task(item);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
