import { z } from 'zod';

/** With or without the path: what is kept is where the service listens. */
const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/(graphql\/?)?$/, ''));

/** Everything the gateway reads from its environment. It has no database. */
const environment = z.object({
  NODE_ENV: z.string().default('development'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(4000),
  HOST: z.string().default('127.0.0.1'),
  SETTLEMENT_URL: url.default('http://127.0.0.1:4001'),
  ACCOUNTING_URL: url.default('http://127.0.0.1:4002'),
  COMPLIANCE_URL: url.default('http://127.0.0.1:4003'),
  INTERNAL_TOKEN_SECRET: z.string().min(32),
  API_KEY_PEPPER: z.string().default(''),
  /** Keys to fall back on while compliance cannot be asked: a sample installation, or a break-glass file. */
  API_KEYS_FILE: z.string().optional(),
  SUPERGRAPH_FILE: z.string().optional(),
  /** `rust` is the shipped planner; `javascript` where no native build fits the machine. */
  QUERY_PLANNER: z.enum(['rust', 'javascript']).default('rust'),
  /** Longest a subgraph may take. */
  SUBGRAPH_TIMEOUT_MS: z.coerce.number().int().min(100).default(30_000),
  QUEUE_URL: z.string().optional(),
  QUEUE_DATABASE_URL: z.string().optional(),
});

export interface GatewayConfig {
  isProduction: boolean;
  port: number;
  host: string;
  subgraphUrls: Record<'settlement' | 'accounting' | 'compliance', string>;
  tokenSecret: string;
  keyPepper: string;
  apiKeysFile?: string | undefined;
  supergraphFile?: string | undefined;
  planner: 'rust' | 'javascript';
  subgraphTimeoutMs: number;
  queueUrl?: string | undefined;
  queueDatabaseUrl?: string | undefined;
}

export function readGatewayConfig(env: NodeJS.ProcessEnv): GatewayConfig {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`the environment of the gateway is not usable:\n  ${faults.join('\n  ')}`);
  }
  const read = parsed.data;
  return {
    isProduction: read.NODE_ENV === 'production',
    port: read.PORT,
    host: read.HOST,
    subgraphUrls: { settlement: read.SETTLEMENT_URL, accounting: read.ACCOUNTING_URL, compliance: read.COMPLIANCE_URL },
    tokenSecret: read.INTERNAL_TOKEN_SECRET,
    keyPepper: read.API_KEY_PEPPER,
    apiKeysFile: read.API_KEYS_FILE,
    supergraphFile: read.SUPERGRAPH_FILE,
    planner: read.QUERY_PLANNER,
    subgraphTimeoutMs: read.SUBGRAPH_TIMEOUT_MS,
    queueUrl: read.QUEUE_URL,
    queueDatabaseUrl: read.QUEUE_DATABASE_URL,
  };
}
