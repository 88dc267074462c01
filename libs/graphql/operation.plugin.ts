import { type ApolloServerPlugin, type GraphQLRequestListener } from '@apollo/server';
import { GraphQLError } from 'graphql';
import { metrics } from '#libs/observability/index.js';
import { type GraphqlContext } from './graphql-context.js';
import { type DocumentVerdict, judgeOperation } from './permissions.js';

/** The refusal of a whole operation, as errors of the answer; nothing of it has run. */
export function errorsOf(verdict: DocumentVerdict): GraphQLError[] {
  return [
    ...verdict.refusals.map(
      (refusal) =>
        new GraphQLError(`this needs the scope ${refusal.needed.map((all) => all.join(' and ')).join(' or ')}`, {
          path: refusal.path,
          extensions: { code: 'FORBIDDEN', requiredScopes: refusal.needed },
        }),
    ),
    ...verdict.breaches.map(
      (breach) =>
        new GraphQLError(breach.message, {
          path: breach.path,
          extensions: { code: 'LIMIT_EXCEEDED', http: { status: 400 } },
        }),
    ),
  ];
}

/** Apollo answers one error for a refused operation, so the first is thrown and names the others. */
export function refuse(verdict: DocumentVerdict): void {
  const [first, ...others] = errorsOf(verdict);
  if (!first) return;
  if (others.length === 0) throw first;
  throw new GraphQLError(first.message, {
    ...(first.path ? { path: first.path } : {}),
    extensions: { ...first.extensions, alsoRefused: others.map((error) => (error.path ?? []).join('.')) },
  });
}

/**
 * Permission and limits of every operation that comes over HTTP, and the end of its transaction.
 * Guards of Nest do not run on `_entities` nor on plain fields; this does.
 */
export const operationPlugin: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart(): Promise<GraphQLRequestListener<GraphqlContext>> {
    const end = metrics.graphqlSeconds.startTimer();
    return Promise.resolve({
      didResolveOperation: (request) => {
        const { operation } = request;
        if (!operation) throw new GraphQLError('no operation to run', { extensions: { code: 'BAD_REQUEST' } });
        refuse(
          judgeOperation({
            schema: request.schema,
            document: request.document,
            operation,
            variables: request.request.variables ?? {},
            scopes: request.contextValue.principal.scopes,
          }),
        );
        return Promise.resolve();
      },
      willSendResponse: async (request) => {
        await request.contextValue.end();
        end({ type: request.operation?.operation ?? 'unknown', outcome: request.errors?.length ? 'errors' : 'ok' });
      },
    });
  },
};
