export {
  adminSection,
  busConfig,
  drainSection,
  logSection,
  natsSection,
  retentionSection,
  serviceSchema,
} from './sections.ts';
export type { BaseConfig } from './sections.ts';
export { loadConfig, readConfig, type ConfigSource, type LoadConfigOptions } from './config.ts';
export { ConfigError, formatIssues, type ConfigIssue } from './config-issue.ts';
export { publishedSchema } from './published-schema.ts';
export { checkListener, isLoopback, type ListenerRule } from './listener-rule.ts';
export { listen, type ListenOptions } from './listen.ts';
export { variableName } from './setting.ts';
export { StartError } from './start-error.ts';
export { runService, type RunServiceOptions, type ServiceParts, type StartContext } from './run-service.ts';
export type { DrainContext, DrainStages } from './drain.ts';
export type { ReadinessCheck } from './readiness.ts';
