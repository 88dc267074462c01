import { z } from 'zod';
import { loadConfig, serviceEnvironment } from '#libs/config/index.js';

/** With or without the path: what is kept is where the service listens. */
const url = z
  .url({ protocol: /^https?$/, message: 'is no HTTP address' })
  .transform((text) => text.replace(/\/(graphql\/?)?$/, ''));

const whole = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
const shared = serviceEnvironment.shape;

/** Everything the gateway reads from its environment. It has no database. */
export const gatewayEnvironment = z.object({
  NODE_ENV: z
    .string()
    .default('development')
    .describe('production closes the schema to strangers and serves no explorer page (default development)'),
  PORT: shared.PORT.default(4000),
  HOST: shared.HOST,
  LOG_LEVEL: shared.LOG_LEVEL,
  SETTLEMENT_URL: url
    .default('http://127.0.0.1:4001')
    .describe('where settlement answers (default http://127.0.0.1:4001)'),
  ACCOUNTING_URL: url
    .default('http://127.0.0.1:4002')
    .describe('where accounting answers (default http://127.0.0.1:4002)'),
  COMPLIANCE_URL: url
    .default('http://127.0.0.1:4003')
    .describe('where compliance answers (default http://127.0.0.1:4003)'),
  INTERNAL_TOKEN_SECRET: shared.INTERNAL_TOKEN_SECRET,
  API_KEY_PEPPER: shared.API_KEY_PEPPER,
  API_KEYS_FILE: z
    .string()
    .optional()
    .describe('keys to fall back on while compliance cannot be asked, in a file that only its owner reads'),
  FAILED_SIGN_INS_PER_MINUTE: whole(1, 100_000)
    .default(30)
    .describe('wrong API keys a minute after which those of one address are no longer looked at (default 30)'),
  TRUSTED_PROXIES: whole(0, 10)
    .default(0)
    .describe('how many proxies of your own stand before the gateway, each adding to X-Forwarded-For (default 0)'),
  SUPERGRAPH_FILE: z.string().optional().describe('another supergraph than the one of this release'),
  QUERY_PLANNER: z
    .enum(['rust', 'javascript'])
    .default('rust')
    .describe('rust, or javascript where no native build fits the machine (default rust)'),
  SUBGRAPH_TIMEOUT_MS: whole(100, 3_600_000)
    .default(30_000)
    .describe('milliseconds a service may take to answer (default 30000)'),
  QUEUE_URL: shared.QUEUE_URL,
  QUEUE_DATABASE_URL: shared.QUEUE_DATABASE_URL,
});

export interface GatewayConfig {
  isProduction: boolean;
  port: number;
  host: string;
  subgraphUrls: Record<'settlement' | 'accounting' | 'compliance', string>;
  tokenSecret: string;
  keyPepper: string;
  failedSignInsPerMinute: number;
  trustedProxies: number;
  apiKeysFile?: string | undefined;
  supergraphFile?: string | undefined;
  planner: 'rust' | 'javascript';
  subgraphTimeoutMs: number;
  queueUrl?: string | undefined;
  queueDatabaseUrl?: string | undefined;
}

export function readGatewayConfig(environment: NodeJS.ProcessEnv): GatewayConfig {
  const read = loadConfig(gatewayEnvironment, environment);
  return {
    isProduction: read.NODE_ENV === 'production',
    port: read.PORT,
    host: read.HOST,
    subgraphUrls: { settlement: read.SETTLEMENT_URL, accounting: read.ACCOUNTING_URL, compliance: read.COMPLIANCE_URL },
    tokenSecret: read.INTERNAL_TOKEN_SECRET,
    keyPepper: read.API_KEY_PEPPER,
    failedSignInsPerMinute: read.FAILED_SIGN_INS_PER_MINUTE,
    trustedProxies: read.TRUSTED_PROXIES,
    apiKeysFile: read.API_KEYS_FILE,
    supergraphFile: read.SUPERGRAPH_FILE,
    planner: read.QUERY_PLANNER,
    subgraphTimeoutMs: read.SUBGRAPH_TIMEOUT_MS,
    queueUrl: read.QUEUE_URL,
    queueDatabaseUrl: read.QUEUE_DATABASE_URL,
  };
}
