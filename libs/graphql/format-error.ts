import { unwrapResolverError } from '@apollo/server/errors';
import { Logger } from '@nestjs/common';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { currentContext } from '#libs/observability/index.js';

const log = new Logger('GraphQL');

/** What means "not now": the connection is away, the server is stopping or full, a lock or statement took too long. */
const outageCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'EPOOLEXHAUSTED',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '55P03',
  '57014',
  '40001',
  '40P01',
  '08006',
  '08003',
]);

/** Postgres keeps no NUL in a text (nor in JSON): what holds one was never ours to find, and cannot be stored. */
const unstorableTextCodes = new Set(['22021', '22P05']);

function codeOf(error: unknown): string | undefined {
  for (let cause = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 4; depth++) {
    const { code, driverError } = cause as { code?: unknown; driverError?: unknown };
    if (typeof code === 'string') return code;
    cause = driverError ?? (cause as { cause?: unknown }).cause;
  }
  return undefined;
}

/** A text that the database cannot hold: U+0000, or half of a surrogate pair. Mutations say where; a query's arguments end here. */
const unstorableCodes = new Set(['22021', '22P05']);

const isOutage = (error: unknown) =>
  outageCodes.has(codeOf(error) ?? '') ||
  (error instanceof Error && /connection terminated|timeout exceeded when trying to connect/i.test(error.message));

/**
 * Errors of the answer are for authentication, limits and faults. What we threw on purpose
 * (GraphQLError with a code) goes out as it is; anything else is logged and hidden behind its request id.
 */
export function formatError(formatted: GraphQLFormattedError, thrown: unknown): GraphQLFormattedError {
  const original = unwrapResolverError(thrown);
  const code = formatted.extensions?.code;
  const { stacktrace: _stack, http: _http, ...extensions } = formatted.extensions ?? {};
  const onPurpose = original instanceof GraphQLError && typeof code === 'string' && code !== 'INTERNAL_SERVER_ERROR';
  if (onPurpose) return { ...formatted, extensions };
  if (unstorableCodes.has(codeOf(original) ?? '')) {
    const where = formatted.path ? { path: formatted.path } : {};
    return { message: 'a text has a character that is none', ...where, extensions: { code: 'BAD_USER_INPUT' } };
  }
  const requestId = currentContext()?.requestId;
  const place = {
    ...(formatted.path ? { path: formatted.path } : {}),
    ...(formatted.locations ? { locations: formatted.locations } : {}),
  };
  if (unstorableTextCodes.has(codeOf(original) ?? ''))
    return {
      message: 'a text has a character that cannot be kept (NUL)',
      ...place,
      extensions: { code: 'BAD_USER_INPUT', requestId },
    };
  log.error(original instanceof Error ? original : String(original), formatted.path?.join('.') ?? '');
  if (isOutage(original)) {
    return {
      message: 'not available right now',
      ...place,
      extensions: { code: 'SERVICE_UNAVAILABLE', retryable: true, requestId },
    };
  }
  return {
    message: 'something failed on our side',
    ...place,
    extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
  };
}
