import 'reflect-metadata';
import { type AddressInfo } from 'node:net';
import { type DynamicModule, type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { HealthController, HealthModule, Logger, MetricsModule, observeHttp } from '#libs/observability/index.js';

export interface ServiceConfig {
  /** `settlement`, `gateway`, … : names the process in its logs. */
  service: string;
  /** 0 takes a free port. */
  port: number;
  /** Other machines reach the process only when this says so. */
  host?: string;
  /** How large a JSON body may be; files travel in one. */
  bodyLimit?: string;
  /** How long work in hand may take after a stop was asked for. */
  drainSeconds?: number;
}

export interface RunningService {
  app: INestApplication;
  port: number;
  /** Stops taking work, finishes what is in hand, and closes. Does not end the process. */
  stop(): Promise<void>;
}

@Module({})
class ServiceRootModule {}

/** What every process has beside its own module: /health/live, /health/ready and /metrics. */
function withOperations(module: Type | DynamicModule): DynamicModule {
  return { module: ServiceRootModule, imports: [module, HealthModule, MetricsModule] };
}

export interface BootOptions {
  module: Type | DynamicModule;
  config: ServiceConfig;
  /** Handlers that come before the body is read, e.g. the gateway's. */
  prepare?: (app: NestExpressApplication) => void | Promise<void>;
  logger?: Logger;
  /** What is not a provider of the module and must be closed too, after the last request. */
  onStop?: () => Promise<void>;
  /** False in tests: the test ends the service, not a signal. */
  followProcess?: boolean;
}

export async function bootService({
  module,
  config,
  prepare,
  onStop,
  logger,
  followProcess = true,
}: BootOptions): Promise<RunningService> {
  const log = logger ?? new Logger({ service: config.service });
  const life = followProcess ? endWithProcess(log, (config.drainSeconds ?? 20) * 1000) : undefined;
  const app = await NestFactory.create<NestExpressApplication>(withOperations(module), {
    logger: log,
    bodyParser: false,
    abortOnError: false,
  });
  app.disable('x-powered-by');
  app.use(observeHttp);
  await prepare?.(app);
  app.useBodyParser('json', { limit: config.bodyLimit ?? '34mb' });
  await app.listen(config.port, config.host ?? process.env.HOST ?? '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;

  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= drain(app).finally(onStop));
  life?.drainBy(stop);
  log.log(`listening on port ${port}`, config.service);
  process.send?.({ type: 'ready', port });
  return { app, port, stop };
}

async function drain(app: INestApplication): Promise<void> {
  app.get(HealthController).drain();
  const server = app.getHttpServer() as { closeIdleConnections?: () => void };
  server.closeIdleConnections?.();
  await app.close();
}

/**
 * A signal, or the end of the process that started this one, stops it: at once while it is still starting, as it has
 * taken nothing in yet; by a drain when it is up. To be called before anything is waited for.
 */
function endWithProcess(log: Logger, budgetMs: number): { drainBy: (stop: () => Promise<void>) => void } {
  let asked = false;
  let drain: (() => Promise<void>) | undefined;
  const end = (why: string) => {
    // A Ctrl-C reaches the whole group and the launcher asks again: the budget alone cuts the drain short.
    if (asked) return;
    asked = true;
    log.log(`stopping: ${why}`, 'Service');
    if (!drain) process.exit(0);
    const budget = setTimeout(() => {
      log.error(`not drained after ${budgetMs / 1000} s`, 'Service');
      process.exit(1);
    }, budgetMs);
    drain().then(
      () => {
        clearTimeout(budget);
        process.exit(0);
      },
      (error: unknown) => {
        log.error(error, 'Service');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      end(signal);
    });
  process.on('disconnect', () => {
    end('parent gone');
  });
  // It may have gone while this process was loading its modules.
  if (process.send && !process.connected) end('parent gone');
  return { drainBy: (stop) => (drain = stop) };
}
