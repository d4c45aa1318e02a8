/** What a program prints, each line read once: the program's output is long and asked for often. `read` skips a line by undefined. */
export function printedLines<T>(
  output: () => string,
  read: (line: string) => T | undefined,
): () => readonly T[] {
  const found: T[] = [];
  let at = 0;
  return () => {
    const text = output();
    for (let end; (end = text.indexOf('\n', at)) !== -1; at = end + 1) {
      const one = read(text.slice(at, end));
      if (one !== undefined) found.push(one);
    }
    return found;
  };
}
