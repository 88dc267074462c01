export type EmbeddedPostgresFault =
  | 'PLATFORM_NOT_SUPPORTED'
  | 'BINARY_DOES_NOT_RUN'
  | 'NO_UNPRIVILEGED_USER'
  | 'NO_STATE_DIRECTORY'
  | 'DISK_FULL'
  | 'PORT_IN_USE'
  | 'DATA_OF_ANOTHER_USER'
  | 'DATA_OF_ANOTHER_VERSION'
  | 'START_FAILED'
  | 'START_TIMED_OUT';

/** Why the embedded Postgres does not start, in a form that a person can act on. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';

  constructor(
    readonly code: EmbeddedPostgresFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What the server or initdb wrote last, told as a fault. `undefined`: nothing known in it. */
export function faultIn(
  log: string,
  where: { dataDirectory: string; port?: number },
): EmbeddedPostgresError | undefined {
  if (/No space left on device|could not (?:extend|write to) file .*: (?:No space|Disk quota)/i.test(log)) {
    return new EmbeddedPostgresError(
      'DISK_FULL',
      `No space left on the disk that holds ${where.dataDirectory}. Free some, then start again.`,
    );
  }
  if (/could not bind|could not create any TCP\/IP sockets|Address already in use/i.test(log)) {
    return new EmbeddedPostgresError(
      'PORT_IN_USE',
      `Port ${where.port ?? '?'} on 127.0.0.1 is taken by another program. Stop that one, or choose another port.`,
    );
  }
  if (/database files are incompatible with server|initialized by PostgreSQL version/i.test(log)) {
    return new EmbeddedPostgresError(
      'DATA_OF_ANOTHER_VERSION',
      `The data in ${where.dataDirectory} was made by another version of Postgres. Restore it with the version that made it, or start on an empty folder.`,
    );
  }
  if (/data directory .* has wrong ownership|Permission denied/i.test(log)) {
    return new EmbeddedPostgresError(
      'DATA_OF_ANOTHER_USER',
      `The data in ${where.dataDirectory} belongs to another user of this machine. Start as that user.`,
    );
  }
  if (/error while loading shared libraries|GLIBC_|Exec format error/i.test(log)) {
    return new EmbeddedPostgresError(
      'BINARY_DOES_NOT_RUN',
      `The bundled Postgres does not run on this system: ${lastLines(log, 2)}`,
    );
  }
  return undefined;
}

/** Node's own errors on the way, in the same words. */
export function faultOf(error: unknown, where: { dataDirectory: string }): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new EmbeddedPostgresError(
      'DISK_FULL',
      `No space left on the disk that holds ${where.dataDirectory}. Free some, then start again.`,
      {
        cause: error,
      },
    );
  }
  return error;
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
