import { Controller, Get, Global, Header, Module } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** One registry a process; libraries register their own metrics on it. */
export const metricsRegistry = new Registry();
collectDefaultMetrics({ register: metricsRegistry });

const seconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const registers = [metricsRegistry];

export interface PoolFigures {
  used: number;
  idle: number;
  waiting: number;
  limit: number;
}

/** Pools are asked when somebody looks. */
const pools = new Map<string, () => PoolFigures>();

/** The pool of this name in this process; a later one takes its place. Returns how to forget it. */
export function watchPool(name: string, figuresOf: () => PoolFigures): () => void {
  pools.set(name, figuresOf);
  return () => {
    if (pools.get(name) === figuresOf) pools.delete(name);
  };
}

/** Created here, so that each name is declared once; filled by whoever does the work. */
export const metrics = {
  httpSeconds: new Histogram({
    name: 'http_request_seconds',
    help: 'HTTP requests',
    labelNames: ['method', 'route', 'status'],
    buckets: seconds,
    registers,
  }),
  graphqlSeconds: new Histogram({
    name: 'graphql_operation_seconds',
    help: 'GraphQL operations',
    labelNames: ['type', 'outcome'],
    buckets: seconds,
    registers,
  }),
  sqlSeconds: new Histogram({
    name: 'sql_transaction_seconds',
    help: 'Database transactions',
    labelNames: ['outcome'],
    buckets: seconds,
    registers,
  }),
  sqlStatementSeconds: new Histogram({
    name: 'sql_statement_seconds',
    help: 'SQL statements by their kind: select, insert, update, delete, with, call (a function of the database), other',
    labelNames: ['statement', 'outcome'],
    buckets: seconds,
    registers,
  }),
  sqlErrors: new Counter({
    name: 'sql_errors_total',
    help: 'Transactions that failed, by SQLSTATE or code of the connection; OTHER when it was no fault of the database',
    labelNames: ['code'],
    registers,
  }),
  sqlPool: new Gauge({
    name: 'sql_pool_connections',
    help: 'Connections of a pool: used, idle and its limit; waiting: callers without one',
    labelNames: ['pool', 'state'],
    registers,
    collect() {
      for (const [pool, figuresOf] of pools) {
        for (const [state, value] of Object.entries<number>({ ...figuresOf() })) this.set({ pool, state }, value);
      }
    },
  }),
  sqlRetries: new Counter({
    name: 'sql_transaction_retries_total',
    help: 'Transactions run again after 40001 or 40P01',
    labelNames: ['code'],
    registers,
  }),
  queueDepth: new Gauge({
    name: 'queue_depth',
    help: 'Jobs in a queue by state',
    labelNames: ['queue', 'state'],
    registers,
  }),
  queueOldestSeconds: new Gauge({
    name: 'queue_oldest_waiting_seconds',
    help: 'Age of the oldest delivery that waits',
    labelNames: ['queue'],
    registers,
  }),
  outboxLagSeconds: new Gauge({
    name: 'outbox_lag_seconds',
    help: 'Age of the oldest message the relay has not published',
    labelNames: ['service'],
    registers,
  }),
  jobSeconds: new Histogram({
    name: 'job_seconds',
    help: 'Handled messages',
    labelNames: ['message', 'outcome'],
    buckets: seconds,
    registers,
  }),
  deadLetters: new Counter({
    name: 'dead_letters_total',
    help: 'Deliveries given up after all attempts',
    labelNames: ['message'],
    registers,
  }),
  failedSignIns: new Counter({
    name: 'failed_sign_ins_total',
    help: 'Wrong API keys: unknown, or not looked at any more because too many came from one address (limited)',
    labelNames: ['outcome'],
    registers,
  }),
};

@Controller()
export class MetricsController {
  @Get('/metrics')
  @Header('content-type', metricsRegistry.contentType)
  metrics(): Promise<string> {
    return metricsRegistry.metrics();
  }
}

@Global()
@Module({ controllers: [MetricsController] })
export class MetricsModule {}
