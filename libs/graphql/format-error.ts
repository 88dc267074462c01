import { unwrapResolverError } from '@apollo/server/errors';
import { Logger } from '@nestjs/common';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { isTransientFault } from '#libs/kernel/index.js';
import { currentContext } from '#libs/observability/index.js';

const log = new Logger('GraphQL');

function codeOf(error: unknown): string | undefined {
  for (let cause = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 4; depth++) {
    const { code, driverError } = cause as { code?: unknown; driverError?: unknown };
    if (typeof code === 'string') return code;
    cause = driverError ?? (cause as { cause?: unknown }).cause;
  }
  return undefined;
}

/** A text that no column holds: U+0000, or half of a surrogate pair. Mutations say where; a query's arguments end here. */
const unstorableCodes = new Set(['22021', '22P05']);

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
  const requestId = currentContext()?.requestId;
  const place = {
    ...(formatted.path ? { path: formatted.path } : {}),
    ...(formatted.locations ? { locations: formatted.locations } : {}),
  };
  if (unstorableCodes.has(codeOf(original) ?? ''))
    return {
      message: 'a text has a character that is none (U+0000 or half of a pair)',
      ...place,
      extensions: { code: 'BAD_USER_INPUT', requestId },
    };
  log.error(original instanceof Error ? original : String(original), formatted.path?.join('.') ?? '');
  if (isTransientFault(original)) {
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
