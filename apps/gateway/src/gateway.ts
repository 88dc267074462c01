import { type IncomingMessage, type ServerResponse } from 'node:http';
import { Module } from '@nestjs/common';
import { type Logger } from '#libs/observability/index.js';
import { bootService, type RunningService } from '#libs/service/index.js';
import { ApiClients, askCompliance, type AskForClient, readKeysFile } from './access/api-clients.js';
import { FailedSignIns } from './access/failed-sign-ins.js';
import { httpPolicy } from './access/http-policy.js';
import { type GatewayConfig } from './gateway.config.js';
import { explorerPage } from './graph/explorer.js';
import { createRuntime } from './graph/runtime.js';
import { readSupergraph, supergraphFile } from './graph/supergraph.js';
import { type QueueBoard } from './ops/queue-board.js';
import { AccountingHealth, ComplianceHealth, SettlementHealth, SubgraphUrls } from './subgraph-health.js';

export interface GatewayParts {
  logger?: Logger;
  followProcess?: boolean;
  /** Tests: who a key belongs to, and the supergraph, without compliance and file. */
  askForClient?: AskForClient;
  supergraphSdl?: string;
}

/** The one door. It needs no service to be up: the supergraph is a file, and keys are remembered. */
export async function bootGateway(config: GatewayConfig, parts: GatewayParts = {}): Promise<RunningService> {
  const supergraphSdl =
    parts.supergraphSdl ?? readSupergraph(supergraphFile(config.supergraphFile), config.subgraphUrls);
  const runtime = await createRuntime({
    supergraphSdl,
    planner: config.planner,
    tokenSecret: config.tokenSecret,
    isProduction: config.isProduction,
    subgraphUrls: config.subgraphUrls,
    timeoutMs: config.subgraphTimeoutMs,
  });
  const clients = new ApiClients(
    parts.askForClient ?? askCompliance(config.subgraphUrls.compliance, config.tokenSecret),
    {
      pepper: config.keyPepper,
      failures: new FailedSignIns({ perMinute: config.failedSignInsPerMinute }),
      ...(config.apiKeysFile ? { fallback: readKeysFile(config.apiKeysFile) } : {}),
    },
  );

  const entrance = { clients, trustedProxies: config.trustedProxies };

  @Module({
    providers: [
      { provide: SubgraphUrls, useValue: new SubgraphUrls(config.subgraphUrls) },
      SettlementHealth,
      AccountingHealth,
      ComplianceHealth,
    ],
  })
  class GatewayModule {}

  let board: QueueBoard | undefined;
  const closeOwn = async () => {
    await board?.close();
    await runtime.dispose();
  };
  const service = await bootService({
    module: GatewayModule,
    onStop: closeOwn,
    config: { service: 'gateway', port: config.port, host: config.host, bodyLimit: '1mb' },
    ...(parts.logger ? { logger: parts.logger } : {}),
    ...(parts.followProcess === undefined ? {} : { followProcess: parts.followProcess }),
    prepare: async (app) => {
      app.use('/graphql', httpPolicy(entrance, config.isProduction ? undefined : explorerPage()));
      app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
        if (request.url?.split('?')[0] === '/graphql') void runtime(request, response);
        else next();
      });
      if (config.queueUrl ?? config.queueDatabaseUrl) {
        const { mountQueueBoard } = await import('./ops/queue-board.js');
        board = await mountQueueBoard(app, entrance, config);
      }
    },
  });
  return service;
}
