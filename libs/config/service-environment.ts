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
  HOST: z
    .string()
    .default('127.0.0.1')
    .describe('the address to listen on: 0.0.0.0 lets other machines in (default 127.0.0.1)'),
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
  API_KEY_PEPPER: z
    .string()
    .default('')
    .describe('a secret mixed into the hashes of API keys; the same for gateway and compliance, and never changed'),
  CURSOR_SECRET: z
    .string()
    .optional()
    .describe(
      'signs the cursors of lists; INTERNAL_TOKEN_SECRET unless given, the same for all processes of a service',
    ),
  IDEMPOTENCY_SECRET: z
    .string()
    .optional()
    .describe('keys the hashes of what came with an idempotency key; MESSAGE_SEAL_KEY unless given, and never changed'),
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

const messagingNumber = (otherwise: number, what: string) =>
  wholeNumber(1, 86_400_000).default(otherwise).describe(`${what} (default ${otherwise})`);

/** How a service sends and works; every value has a default. */
export const messagingEnvironment = serviceEnvironment
  .pick({ QUEUE_URL: true, QUEUE_DATABASE_URL: true, WORKER: true })
  .extend({
    MESSAGING_POLL_MS: messagingNumber(
      100,
      'milliseconds after which the relay looks by itself; ten times as long while nothing comes',
    ),
    MESSAGING_FAST_CONCURRENCY: messagingNumber(4, 'messages of the fast queue worked on at once'),
    MESSAGING_BULK_CONCURRENCY: messagingNumber(3, 'messages of the bulk queue worked on at once'),
    MESSAGING_LONG_CONCURRENCY: messagingNumber(3, 'long jobs worked on at once'),
    MESSAGING_MAX_ATTEMPTS: messagingNumber(8, 'attempts after which a message is a dead letter'),
    MESSAGING_BACKOFF_MS: messagingNumber(
      500,
      'milliseconds before the second attempt; each next wait is twice as long',
    ),
    MESSAGING_BACKOFF_MAX_MS: messagingNumber(300_000, 'the longest wait between two attempts, in milliseconds'),
    MESSAGING_LOCK_MS: messagingNumber(
      10_000,
      'milliseconds a worker holds a message in the queue before it must say again that it lives',
    ),
    MESSAGING_LEASE_MS: messagingNumber(
      5_000,
      'milliseconds a worker holds a long job before it must say again that it lives',
    ),
    MESSAGING_RECONCILE_AFTER_MS: messagingNumber(
      10_000,
      'milliseconds after which the queue is asked for what was not acknowledged',
    ),
    MESSAGING_RECONCILE_EVERY_MS: messagingNumber(1_000, 'milliseconds between two such looks'),
    MESSAGING_SCHEDULE_EVERY_MS: messagingNumber(1_000, 'milliseconds between two looks at the schedules'),
    MESSAGING_GAUGES_EVERY_MS: messagingNumber(
      5_000,
      'milliseconds between two measurements of the queues for /metrics',
    ),
    MESSAGING_DRAIN_MS: messagingNumber(8_000, 'milliseconds that work in hand has when the process is asked to stop'),
    MESSAGING_BOOT_WAIT_MS: messagingNumber(15_000, 'milliseconds the boot waits for the queue'),
    MESSAGING_RETENTION_DAYS: wholeNumber(1, 36_500)
      .default(90)
      .describe(
        'days for which messages are kept after every consumer finished them, with their deliveries and job runs; once a day the older ones are removed, dead letters never (default 90)',
      ),
  });

/** What the owner of the database says to the commands that are his: the migrate step and the first API client. */
export const ownerEnvironment = z.object({
  DATABASE_URL: postgresUrl.describe(
    'the address of the database as its owner, e.g. postgres://owner:…@host:5432/back_office',
  ),
  ROLE_PASSWORDS_FILE: z
    .string()
    .describe('a file that keeps the passwords of the database roles; the migrate step makes it when it is missing'),
  INSTALLATION_MODE: z
    .enum(['production', 'sample', 'test'])
    .default('production')
    .describe('production, sample or test; fixed by the first migrate step (default production)'),
});

export type ServiceEnvironment = z.output<typeof serviceEnvironment>;

/** Every variable that services share, for the generated documentation. */
export function environmentReference(): EnvironmentVariable[] {
  return referenceOf(serviceEnvironment);
}

/** Beside what services share: what only some processes read, under the heading it has in the documentation. */
export function furtherReferences(): [heading: string, variables: EnvironmentVariable[]][] {
  return [
    ['Messages and jobs', referenceOf(messagingEnvironment)],
    ['Commands of the owner of the database', referenceOf(ownerEnvironment)],
  ];
}
