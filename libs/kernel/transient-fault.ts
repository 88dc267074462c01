/** Classes of SQLSTATE that say nothing about the work itself: connection, rollback to be done again, resources, the operator. */
const transientClasses = new Set(['08', '40', '53', '57', '58']);
/** lock_not_available, and a transaction ended because it stood idle. */
const transientStates = new Set(['55P03', '25P03']);
const transientErrnos = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EMFILE',
  'ENFILE',
  'ENOSPC',
  'EPOOLEXHAUSTED',
]);
/** node-postgres has no code for these. */
const transientMessages =
  /Connection terminated|connection error and is not queryable|timeout exceeded when trying to connect|timeout expired/i;

/** Whether the same work may succeed when it is done again: what failed was the way to the database, or its moment, and not the work. */
export function isTransientFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, driverError } = error as { code?: unknown; driverError?: unknown };
  if (typeof code === 'string') {
    if (transientErrnos.has(code) || transientStates.has(code)) return true;
    if (/^[0-9A-Z]{5}$/.test(code) && transientClasses.has(code.slice(0, 2))) return true;
  }
  return transientMessages.test(error.message) || isTransientFault(driverError) || isTransientFault(error.cause);
}
