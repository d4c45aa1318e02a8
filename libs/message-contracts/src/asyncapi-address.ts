/** A topic filter as an address: each wildcard is a parameter, named after its level. */
export function addressOf(filter: string): {
  address: string;
  parameters: Record<string, { description: string }>;
} {
  const parameters: Record<string, { description: string }> = {};
  const levels = filter.split('/').map((level, i) => {
    if (level !== '+' && level !== '#') return level.replaceAll('{', '%7B').replaceAll('}', '%7D');
    const name = level === '+' ? `level${i + 1}` : 'rest';
    parameters[name] = {
      description: level === '+' ? 'One level.' : 'Any number of levels, also none.',
    };
    return `{${name}}`;
  });
  return { address: levels.join('/'), parameters };
}
