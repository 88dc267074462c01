import { type GatewayContext, type GatewayPlugin } from '@graphql-hive/gateway-runtime';
import {
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  getOperationAST,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import { type Principal, principalKey, signInternalToken } from '#libs/auth/index.js';
import { judgeOperation } from '#libs/graphql/index.js';
import { contextHeaders, metrics } from '#libs/observability/index.js';
import { bodyBytesMax, fileFields, type GatewayRequest } from '../access/http-policy.js';
import { answerDesk, type AskService } from './desk.js';
import { deskName } from './merged-lists.js';
import { propagateNulls } from './null-propagation.js';

/** What the edge knows of an operation. `internalToken` is read by the websocket transport too. */
export interface EdgeContext {
  req: GatewayRequest;
  internalToken: string;
}

export interface EdgeOptions {
  /** The supergraph with its directives. */
  schema: GraphQLSchema;
  tokenSecret: string;
  /** Outside production everybody who has a key may read the schema: the explorer needs it. */
  introspectionForAll: boolean;
  subgraphUrls: Readonly<Record<string, string>>;
  timeoutMs: number;
}

type Context = GatewayContext & EdgeContext;

const principalOf = (context: Partial<EdgeContext>): Principal | undefined => context.req?.[principalKey];

/** A subgraph that does not answer, told apart from one that answers with errors. */
function isOutage(error: GraphQLError): boolean {
  const { code, http } = error.extensions as { code?: unknown; http?: { status?: unknown } };
  if (code === 'SERVICE_UNAVAILABLE') return false;
  if (code === 'DOWNSTREAM_SERVICE_ERROR' || code === 'TIMEOUT_ERROR' || code === 'SUBREQUEST_HTTP_ERROR') return true;
  if (typeof http?.status === 'number' && http.status >= 502) return true;
  const cause = error.originalError ?? error;
  return /fetch failed|ECONNREFUSED|ECONNRESET|ENOTFOUND|socket hang up|aborted|timed? ?out|other side closed/i.test(
    `${cause.message} ${(cause as { code?: string }).code ?? ''}`,
  );
}

function unavailable(service: string, path?: readonly (string | number)[]): GraphQLError {
  return new GraphQLError(`${service} is not available`, {
    ...(path ? { path } : {}),
    extensions: { code: 'SERVICE_UNAVAILABLE', service, retryable: true },
  });
}

const toldMax = 100;

/**
 * One error for each field, or each entity, that was asked of the service, so that the caller sees what
 * is missing; the planner moves them to their places in the answer.
 */
function outageOf(
  service: string,
  operation: OperationDefinitionNode | null | undefined,
  variables: Record<string, unknown> = {},
): ExecutionResult {
  const errors: GraphQLError[] = [];
  for (const field of operation?.selectionSet.selections ?? []) {
    if (field.kind !== Kind.FIELD || field.name.value.startsWith('__')) continue;
    const key = field.alias?.value ?? field.name.value;
    if (field.name.value === '_entities') {
      const asked = field.arguments?.find((argument) => argument.name.value === 'representations')?.value;
      const list = asked?.kind === Kind.VARIABLE ? variables[asked.name.value] : undefined;
      const count = Array.isArray(list) ? Math.min(list.length, toldMax) : 1;
      for (let index = 0; index < count; index++)
        errors.push(unavailable(service, [key, index, ...firstFieldOf(field)]));
    } else {
      errors.push(unavailable(service, [key]));
    }
  }
  return { errors: errors.length > 0 ? errors : [unavailable(service)] };
}

/** The field of an entity that is missing: its name makes the path end where the null is. */
function firstFieldOf(field: FieldNode): string[] {
  for (const selection of field.selectionSet?.selections ?? []) {
    const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection.selectionSet.selections : [selection];
    const named = inner.find((candidate) => candidate.kind === Kind.FIELD && !candidate.name.value.startsWith('__'));
    if (named?.kind === Kind.FIELD) return [named.alias?.value ?? named.name.value];
  }
  return [];
}

/** What the edge adds to the runtime: permission, limits of files, signed calls, and outages told as such. */
export function edgePlugin(options: EdgeOptions): GatewayPlugin<EdgeContext> {
  const ask: (context: Context) => AskService = (context) => async (service, query, variables) => {
    const response = await fetch(`${options.subgraphUrls[service] ?? ''}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...callHeaders(context) },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    if (response.status >= 500) throw new Error(`${service} answered ${response.status}`);
    return (await response.json()) as ExecutionResult;
  };

  const deskErrors = new WeakMap<object, GraphQLError[]>();

  return {
    async onContextBuilding({ context, extendContext }) {
      const principal = principalOf(context as Partial<EdgeContext>);
      if (!principal)
        throw new GraphQLError('who asks is not known', {
          extensions: { code: 'UNAUTHENTICATED', http: { status: 401 } },
        });
      extendContext({ internalToken: await signInternalToken(principal, options.tokenSecret) } as never);
    },

    onSubgraphExecute(call) {
      const { subgraphName, executionRequest, executor } = call;
      const service = subgraphName.toLowerCase();
      const operation = getOperationAST(executionRequest.document);
      if (service === deskName) {
        const context = executionRequest.context as Context;
        call.setExecutor(
          (request) =>
            answerDesk(
              options.schema,
              { document: request.document, variables: request.variables },
              ask(context),
              (error) => {
                deskErrors.set(context, [...(deskErrors.get(context) ?? []), error]);
              },
            ) as never,
        );
        return;
      }
      call.setExecutor(async (request) => {
        try {
          const result = await executor(request);
          if (Symbol.asyncIterator in result) return result;
          const errors = (result as ExecutionResult).errors ?? [];
          return errors.some(isOutage) && !(result as ExecutionResult).data
            ? (outageOf(service, operation, request.variables) as never)
            : result;
        } catch {
          if (operation?.operation === OperationTypeNode.SUBSCRIPTION) throw unavailable(service);
          return outageOf(service, operation, request.variables) as never;
        }
      });
    },

    onSubscribe(subscribing) {
      const refusals = refusalsOf(options, subscribing.args);
      if (refusals.length > 0) subscribing.setResultAndStopExecution({ errors: refusals });
    },

    onFetch(fetching) {
      const { context, options: call } = fetching;
      if (!('internalToken' in context)) return;
      const timeout = AbortSignal.timeout(options.timeoutMs);
      const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
      fetching.setOptions({
        ...call,
        signal,
        headers: { ...(call.headers as Record<string, string>), ...callHeaders(context as Context) },
      });
    },

    onResultProcess(processed) {
      const { result } = processed;
      if (Array.isArray(result) || !('errors' in result) || !result.errors?.some((error) => !codeIn(error))) return;
      processed.setResult({ ...result, errors: result.errors.map(withCode) });
    },

    // Not at validation: its results are cached by document, whoever asks.
    onExecute(executing) {
      const args = executing.args as ExecutionArgs;
      const end = metrics.graphqlSeconds.startTimer();
      const operation = getOperationAST(args.document, args.operationName);
      const refusals = refusalsOf(options, args);
      if (refusals.length > 0) {
        executing.setResultAndStopExecution({ errors: refusals });
        return undefined;
      }
      return {
        onExecuteDone({ result, setResult }) {
          if (Symbol.asyncIterator in result) return;
          const told = deskErrors.get(args.contextValue as object) ?? [];
          const answered: ExecutionResult =
            told.length > 0
              ? { ...(result as ExecutionResult), errors: [...((result as ExecutionResult).errors ?? []), ...told] }
              : result;
          end({ type: operation?.operation ?? 'unknown', outcome: answered.errors?.length ? 'errors' : 'ok' });
          if (!answered.errors?.length || !operation) return;
          const data = propagateNulls(options.schema, args.document, operation, answered.data);
          setResult({ ...answered, data });
        },
      };
    },
  };
}

const codeIn = ({ extensions }: { extensions?: Readonly<Record<string, unknown>> | undefined }): unknown =>
  extensions?.code;

/** Clients branch on the code, so an operation that is refused before it runs has one, too. */
function withCode(error: GraphQLError): GraphQLError {
  if (codeIn(error)) return error;
  const isLimit = /\blimit\b.*\bexceeded\b/i.test(error.message);
  const code = isLimit
    ? 'LIMIT_EXCEEDED'
    : /^Variable "\$/.test(error.message)
      ? 'BAD_USER_INPUT'
      : /^Syntax Error/.test(error.message)
        ? 'GRAPHQL_PARSE_FAILED'
        : 'GRAPHQL_VALIDATION_FAILED';
  const { nodes, source, positions, path, originalError } = error;
  return new GraphQLError(isLimit ? error.message.replace(/^Syntax Error: /, '') : error.message, {
    nodes,
    source,
    positions,
    path,
    originalError,
    extensions: { ...error.extensions, code },
  });
}

function callHeaders(context: Context): Record<string, string> {
  const { requestId, traceparent } = contextHeaders();
  return { authorization: `Bearer ${context.internalToken}`, 'x-request-id': requestId, traceparent };
}

function refusalsOf(options: EdgeOptions, args: ExecutionArgs): GraphQLError[] {
  const context = args.contextValue as Partial<EdgeContext>;
  const principal = principalOf(context);
  const operation = getOperationAST(args.document, args.operationName);
  if (!principal || !operation) return [new GraphQLError('nothing to run', { extensions: { code: 'BAD_REQUEST' } })];
  const { refusals, breaches } = judgeOperation({
    schema: options.schema,
    document: args.document,
    operation,
    variables: args.variableValues ?? {},
    scopes: options.introspectionForAll ? [...principal.scopes, 'schema:introspect'] : principal.scopes,
  });
  const errors = [
    ...refusals.map(
      ({ path, needed }) =>
        new GraphQLError(`this needs the scope ${needed.map((all) => all.join(' and ')).join(' or ')}`, {
          path,
          extensions: { code: 'FORBIDDEN', requiredScopes: needed },
        }),
    ),
    ...breaches.map(({ path, message }) => new GraphQLError(message, { path, extensions: { code: 'LIMIT_EXCEEDED' } })),
  ];
  const length = Number(context.req?.headers['content-length'] ?? 0);
  const bringsFile = operation.selectionSet.selections.some(
    (field) => field.kind === Kind.FIELD && fileFields.has(field.name.value),
  );
  if (length > bodyBytesMax && !bringsFile) {
    errors.push(
      new GraphQLError(`an operation without a file has at most ${bodyBytesMax} bytes`, {
        extensions: { code: 'LIMIT_EXCEEDED' },
      }),
    );
  }
  return errors;
}
