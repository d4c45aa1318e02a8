/** One thing that is wrong with the configuration. */
export interface ConfigIssue {
  /** Where it was set: `trivium.yaml:12`, a variable's name, or `default`. */
  source: string;
  /** Path of the setting, `mqtt.port`; empty for the file as a whole. */
  setting: string;
  /** What is wrong and what is expected, in a sentence without the source. */
  message: string;
}

/** Every fault of the configuration at once; code `config.invalid`. The process exits 78 with it. */
export class ConfigError extends Error {
  readonly code = 'config.invalid';
  readonly issues: readonly ConfigIssue[];

  constructor(service: string, issues: readonly ConfigIssue[]) {
    super(formatIssues(service, issues));
    this.name = 'ConfigError';
    this.issues = issues;
  }
}

/** One screen for a person: a heading, and a line per fault with its source first. */
export function formatIssues(service: string, issues: readonly ConfigIssue[]): string {
  const width = Math.max(...issues.map(({ source }) => source.length));
  const lines = issues.map(({ source, setting, message }) => {
    const subject = setting === '' ? '' : `${setting}: `;
    return `  ${source.padEnd(width)}  ${subject}${message}`;
  });
  const count = issues.length === 1 ? '1 error' : `${issues.length} errors`;
  return [`${service}: the configuration is not valid (config.invalid), ${count}:`, ...lines].join('\n');
}
