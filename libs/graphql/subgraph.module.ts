import { type IncomingMessage } from 'node:http';
import {
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { ApolloFederationDriver, type ApolloFederationDriverConfig } from '@nestjs/apollo';
import { type ArgumentsHost, Catch, type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, BaseExceptionFilter, ModuleRef } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { getOperationAST, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import { bearerOf, type Principal, tokenSecretsFrom, verifyInternalToken } from '#libs/auth/index.js';
import { contextFrom, currentContext, HealthCheck, type HealthState } from '#libs/observability/index.js';
import { formatError } from './format-error.js';
import { GraphqlContext, type OpenTransaction, transactionsOf } from './graphql-context.js';
import { errorsOf, operationPlugin } from './operation.plugin.js';
import { assertEveryFieldDeclared, judgeOperation } from './permissions.js';
import { commonScalars } from './scalars.js';

/** The newest the composer knows; Nest's own default is newer. */
const federation = {
  version: 2 as const,
  importUrl: 'https://specs.apollo.dev/federation/v2.9',
  directives: [
    '@key',
    '@shareable',
    '@external',
    '@requires',
    '@provides',
    '@extends',
    '@override',
    '@inaccessible',
    '@tag',
    '@requiresScopes',
  ],
};

const unauthenticated = () =>
  new GraphQLError('a signed internal token is needed', {
    extensions: { code: 'UNAUTHENTICATED', http: { status: 401 } },
  });

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

async function authenticate(authorization: string | undefined, secrets: string | undefined): Promise<Principal> {
  const token = bearerOf(authorization);
  const principal = token ? await verifyInternalToken(token, tokenSecretsFrom(secrets)) : undefined;
  if (!principal) throw unauthenticated();
  return principal;
}

export interface SubgraphOptions {
  /** Defaults to INTERNAL_TOKEN_SECRET. */
  tokenSecret?: string;
  /** Where no database module is imported, e.g. in a test of the edge. */
  openTransaction?: OpenTransaction;
  /** Schema first instead of code first. Nest knows one class per GraphQL name in a process, so several subgraphs in one test are written out. */
  written?: { typeDefs: string; resolvers: Record<string, unknown> };
}

interface WsConnection {
  connectionParams?: Readonly<Record<string, unknown>> | undefined;
  extra: { principal?: Principal; request?: IncomingMessage; contexts?: Map<string, GraphqlContext> };
}

/** Errors of resolvers are logged and shaped once, by formatError; Nest would log the expected ones as faults too. */
@Catch()
export class GraphqlErrorFilter extends BaseExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): void {
    if (host.getType<string>() === 'graphql') throw exception;
    super.catch(exception, host);
  }
}

/** Without its database a service answers nothing. */
export class DatabaseHealth extends HealthCheck {
  readonly name = 'database';

  constructor(private readonly openTransaction: OpenTransaction) {
    super();
  }

  async check(): Promise<HealthState> {
    await this.openTransaction(
      async (tx) => {
        await tx.rows('SELECT 1');
      },
      { books: [], readOnly: true },
    );
    return 'up';
  }
}

/** The GraphQL of a service: code first, a federation subgraph, closed to everything but signed calls. */
@Module({})
export class SubgraphModule {
  static forService(service: string, options: SubgraphOptions = {}): DynamicModule {
    return {
      module: SubgraphModule,
      providers: [
        { provide: APP_FILTER, useClass: GraphqlErrorFilter },
        ...(options.openTransaction
          ? []
          : [
              {
                provide: DatabaseHealth,
                inject: [ModuleRef],
                useFactory: (moduleRef: ModuleRef) => new DatabaseHealth(transactionsOf(moduleRef)),
              },
            ]),
      ],
      imports: [
        GraphQLModule.forRootAsync<ApolloFederationDriverConfig>({
          driver: ApolloFederationDriver,
          inject: [ModuleRef],
          useFactory: (moduleRef: ModuleRef) => subgraphConfig(service, moduleRef, options),
        }),
      ],
    };
  }
}

function subgraphConfig(service: string, moduleRef: ModuleRef, options: SubgraphOptions): ApolloFederationDriverConfig {
  const secrets = () => options.tokenSecret ?? process.env.INTERNAL_TOKEN_SECRET;
  const openTransaction = options.openTransaction ?? transactionsOf(moduleRef);
  let schema: GraphQLSchema | undefined;

  return {
    ...(options.written ? { typeDefs: options.written.typeDefs } : { autoSchemaFile: { federation } }),
    // Scalars that a service does not use are simply not in its schema.
    resolvers: { ...commonScalars, ...(options.written?.resolvers as typeof commonScalars | undefined) },
    resolverValidationOptions: { requireResolversToMatchSchema: 'ignore' },
    buildSchemaOptions: { noDuplicatedFields: true },
    sortSchema: true,
    graphiql: false,
    // Held behind a scope by the operation plugin, in every environment.
    introspection: true,
    fieldResolverEnhancers: [],
    transformSchema: (built) => {
      assertEveryFieldDeclared(built, service);
      schema = built;
      return built;
    },
    plugins: [ApolloServerPluginInlineTraceDisabled(), ApolloServerPluginUsageReportingDisabled(), operationPlugin],
    formatError,
    includeStacktraceInErrorResponses: false,
    context: async ({ req }: { req: IncomingMessage & { method?: string } }) => {
      if (req.method !== 'POST') {
        throw new GraphQLError('POST only', { extensions: { code: 'METHOD_NOT_ALLOWED', http: { status: 405 } } });
      }
      const principal = await authenticate(one(req.headers.authorization), secrets());
      const context = currentContext();
      if (context) context.subject = principal.subject;
      return new GraphqlContext(principal, context?.requestId ?? contextFrom({}).requestId, openTransaction, req);
    },
    subscriptions: {
      'graphql-ws': {
        path: '/graphql',
        onConnect: async (connection: unknown) => {
          const { connectionParams, extra } = connection as WsConnection;
          const header = connectionParams?.authorization ?? one(extra.request?.headers.authorization);
          try {
            extra.principal = await authenticate(typeof header === 'string' ? header : undefined, secrets());
          } catch {
            return false;
          }
          return true;
        },
        onSubscribe: (
          connection: unknown,
          id: string,
          payload: { query: string; operationName?: string | null; variables?: Record<string, unknown> | null },
        ) => {
          const { extra } = connection as WsConnection;
          if (!schema || !extra.principal) return [unauthenticated()];
          let document;
          try {
            document = parse(payload.query, { maxTokens: 4_000 });
          } catch (error) {
            return [error instanceof GraphQLError ? error : new GraphQLError('not a GraphQL document')];
          }
          const faults = validate(schema, document);
          if (faults.length > 0) return [...faults];
          const operation = getOperationAST(document, payload.operationName);
          if (!operation) return [new GraphQLError('which operation?', { extensions: { code: 'BAD_USER_INPUT' } })];
          const variables = payload.variables ?? {};
          const errors = errorsOf(
            judgeOperation({ schema, document, operation, variables, scopes: extra.principal.scopes }),
          );
          if (errors.length > 0) return errors;
          const context = new GraphqlContext(extra.principal, contextFrom({}).requestId, openTransaction);
          (extra.contexts ??= new Map()).set(id, context);
          return {
            schema,
            document,
            operationName: payload.operationName,
            variableValues: variables,
            contextValue: context,
            rootValue: {},
          };
        },
        onNext: async (
          connection: unknown,
          id: string,
          _payload: unknown,
          _args: unknown,
          result: { errors?: readonly GraphQLError[] },
        ) => {
          await (connection as WsConnection).extra.contexts?.get(id)?.end();
          return result.errors
            ? { ...result, errors: result.errors.map((error) => formatError(error.toJSON(), error)) }
            : undefined;
        },
        onComplete: async (connection: unknown, id: string) => {
          const contexts = (connection as WsConnection).extra.contexts;
          await contexts?.get(id)?.end();
          contexts?.delete(id);
        },
        // The library's types bind these to the socket; ours name only what is used.
      } as never,
    },
  };
}
