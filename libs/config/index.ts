export {
  ConfigurationError,
  loadConfig,
  redacted,
  referenceOf,
  type ConfigSchema,
  type EnvironmentVariable,
} from './load-config.js';
export {
  databaseEnvironment,
  environmentReference,
  furtherReferences,
  messagingEnvironment,
  ownerEnvironment,
  serviceEnvironment,
  type ServiceEnvironment,
} from './service-environment.js';
