import { z } from 'zod';
import { loadConfig, serviceEnvironment } from '#libs/config/index.js';

export const complianceEnvironment = serviceEnvironment.extend({
  PORT: serviceEnvironment.shape.PORT.default(4003),
  SERVICE_NAME: serviceEnvironment.shape.SERVICE_NAME.default('compliance'),
  COMPLIANCE_ZONE: z
    .string()
    .default('Europe/Berlin')
    .describe('the time zone of the compliance team (default Europe/Berlin)'),
  COMPLIANCE_CALENDAR: z
    .string()
    .default('TARGET')
    .describe('the business calendar on which its work falls due (default TARGET)'),
  COMPLIANCE_DUE_TIME: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is no time of day')
    .default('12:00')
    .describe('when an alert falls due on the next business day (default 12:00)'),
  COMPLIANCE_APPROVAL_HOURS: z.coerce
    .number()
    .int()
    .min(1)
    .max(240)
    .default(24)
    .describe('how long a proposed release waits for its second person (default 24)'),
  API_CLIENTS_SEED: z
    .string()
    .optional()
    .describe('API clients of a sample installation, as JSON: [{subject, kind, roles, books, keyHash}]'),
});

/** What the rules of this service may be told by its environment. */
export class ComplianceConfig {
  /** Where the compliance team works: due times are on its clock and calendar. */
  readonly zone: string = 'Europe/Berlin';
  readonly calendar: string = 'TARGET';
  readonly dueTime: string = '12:00';
  readonly approvalHours: number = 24;
  /** The business clock is a row that a script advances; nothing of the kind exists in production. */
  readonly isSampleInstallation: boolean = false;
  readonly apiClientsSeed: string | undefined = undefined;

  constructor(values: Partial<ComplianceConfig> = {}) {
    Object.assign(this, values);
  }

  static fromEnvironment(environment: NodeJS.ProcessEnv = process.env): ComplianceConfig {
    const read = loadConfig(complianceEnvironment, environment);
    return new ComplianceConfig({
      zone: read.COMPLIANCE_ZONE,
      calendar: read.COMPLIANCE_CALENDAR,
      dueTime: read.COMPLIANCE_DUE_TIME,
      approvalHours: read.COMPLIANCE_APPROVAL_HOURS,
      isSampleInstallation: read.CLOCK === 'database-row',
      apiClientsSeed: read.API_CLIENTS_SEED,
    });
  }
}
