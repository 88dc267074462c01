import { EnvelopArmor } from '@escape.tech/graphql-armor';
import { createGatewayRuntime, type GatewayRuntime } from '@graphql-hive/gateway-runtime';
import { type EdgeContext, edgePlugin } from './edge.plugin.js';
import { services } from './merged-lists.js';
import { schemaWithDirectives } from './supergraph.js';

export interface RuntimeOptions {
  supergraphSdl: string;
  planner: 'rust' | 'javascript';
  tokenSecret: string;
  isProduction: boolean;
  subgraphUrls: Readonly<Record<string, string>>;
  timeoutMs: number;
}

/** Measured against the probes in gateway.spec.ts; the explorer's own introspection passes them. */
const limits = {
  maxAliases: { n: 15, allowList: [] },
  maxDirectives: { n: 8 },
  maxDepth: { n: 12 },
  maxTokens: { n: 2_000 },
  costLimit: { maxCost: 20_000, objectCost: 2, scalarCost: 1, depthCostFactor: 1.5 },
  blockFieldSuggestion: { enabled: true },
};

export async function createRuntime(options: RuntimeOptions): Promise<GatewayRuntime<EdgeContext>> {
  const planner = options.planner === 'rust' ? await import('@graphql-hive/router-runtime') : undefined;
  const armor = new EnvelopArmor(limits).protect();
  return createGatewayRuntime<EdgeContext>({
    supergraph: options.supergraphSdl,
    ...(planner ? { unifiedGraphHandler: planner.unifiedGraphHandler } : {}),
    // Events come over one websocket per subscription, opened with the caller's own signed token.
    transportEntries: Object.fromEntries(
      services.map((service) => [
        service,
        {
          options: {
            subscriptions: {
              kind: 'ws',
              location: '/graphql',
              options: { connectionParams: { authorization: 'Bearer {context.internalToken}' }, retryAttempts: 2 },
            },
          },
        },
      ]),
    ),
    graphqlEndpoint: '/graphql',
    logging: false,
    graphiql: false,
    landingPage: false,
    cors: false,
    batching: false,
    multipart: false,
    maskedErrors: true,
    requestId: false,
    subgraphErrors: false,
    inboundInflightRequestDeduplication: false,
    plugins: () => [
      ...(armor.plugins as never[]),
      edgePlugin({
        schema: schemaWithDirectives(options.supergraphSdl),
        tokenSecret: options.tokenSecret,
        introspectionForAll: !options.isProduction,
        subgraphUrls: options.subgraphUrls,
        timeoutMs: options.timeoutMs,
      }) as never,
    ],
  });
}
