import { z } from 'zod';
import { type EnvironmentVariable, referenceOf } from './load-config.js';

const postgresUrl = z.url({ protocol: /^postgres(ql)?$/, hostname: /.*/, message: 'is no Postgres address' });

const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'is no whole number')
    .transform(Number)
    .pipe(z.number().min(least, `is below ${least}`).max(most, `is above ${most}`));

/** What the database connection of a process needs. */
export const databaseEnvironment = z.object({
  DATABASE_URL: postgresUrl.describe(
    "the address of the database as the service's own role, e.g. postgres://settlement:…@host:5432/back_office",
  ),
  DATABASE_POOL_SIZE: wholeNumber(2, 200)
    .default(12)
    .describe('the greatest number of connections of this process (default 12)'),
  DATABASE_STATEMENT_TIMEOUT_MS: wholeNumber(100, 3_600_000)
    .default(30_000)
    .describe('milliseconds after which a statement is ended (default 30000)'),
});

/** What every service reads. A service adds its own with `.extend()`. */
export const serviceEnvironment = databaseEnvironment.extend({
  SERVICE_NAME: z
    .string()
    .regex(/^[a-z][a-z-]*$/, 'is no service name')
    .describe('the name of the service: settlement, accounting, compliance or gateway'),
  PORT: wholeNumber(0, 65_535).default(0).describe('the TCP port to listen on; 0 takes a free one'),
  QUEUE_URL: z
    .url({ protocol: /^rediss?$/, hostname: /.*/, message: 'is no Redis address' })
    .optional()
    .describe('the address of Redis (redis://host:6379); without it the queue runs on Postgres'),
  QUEUE_DATABASE_URL: postgresUrl
    .optional()
    .describe('the address of the database as the role queue; used when QUEUE_URL is not set'),
  INTERNAL_TOKEN_SECRET: z
    .string()
    .min(32, 'is shorter than 32 characters')
    .describe('the same random text of 32 characters or more for gateway and services, e.g. of "openssl rand -hex 32"'),
  MESSAGE_SEAL_KEY: z
    .string()
    .min(32, 'is shorter than 32 characters')
    .describe('the same random text of 32 characters or more for all services: it seals personal data in messages'),
  EXCHANGE_DIRECTORY: z
    .string()
    .optional()
    .describe('the folder of the files exchanged with places of settlement and agents'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace'])
    .default('info')
    .describe('how much is logged: fatal, error, warn, info, debug or trace'),
  CLOCK: z
    .enum(['system', 'database-row'])
    .default('system')
    .describe('system, or database-row in a sample installation'),
  WORKER: z
    .enum(['inline', 'none', 'only'])
    .default('inline')
    .describe('inline (API and worker in one process), none (API) or only (worker)'),
});

export type ServiceEnvironment = z.output<typeof serviceEnvironment>;

/** Every variable that services share, for the generated documentation. */
export function environmentReference(): EnvironmentVariable[] {
  return referenceOf(serviceEnvironment);
}
