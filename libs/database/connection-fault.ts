/** The address when it is one of a Postgres. */
export function databaseAddress(text: string): URL | undefined {
  try {
    const url = new URL(text);
    return /^postgres(ql)?:$/.test(url.protocol) && url.hostname !== '' ? url : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Why the database at this address cannot be used, in words that say what to do and never show the password.
 * Undefined when the error is about something else.
 */
export function connectionFault(error: unknown, text: string): string | undefined {
  const url = databaseAddress(text);
  if (!url) return 'This is no Postgres address. It looks like postgres://owner:password@host:5432/back_office';
  const place = `${url.hostname}:${url.port || '5432'}`;
  const database = decodeURIComponent(url.pathname.slice(1));
  const { code, message = '' } = (error ?? {}) as { code?: string; message?: string };
  switch (code) {
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
    case 'ECONNRESET':
      return `Nothing answers at ${place} (${code}). Start that Postgres, or correct the host and the port.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `There is no host ${url.hostname}. Correct the name, or the name service of this machine.`;
    case '28P01':
    case '28000':
      return `The Postgres at ${place} refuses the user ${decodeURIComponent(url.username)} or the password. Correct them.`;
    case '3D000':
      return `The Postgres at ${place} has no database ${database}. Create it: CREATE DATABASE "${database}"`;
    case '53300':
      return `The Postgres at ${place} has no connection free. Raise its max_connections.`;
    case '57P03':
      return `The Postgres at ${place} is starting or stopping. Try again when it is up.`;
    case undefined:
      break;
    default:
      return undefined;
  }
  if (/client password must be a string/.test(message))
    return `The Postgres at ${place} asks for a password and the address has none: postgres://user:password@${place}/${database}`;
  if (/timeout|Connection terminated/i.test(message))
    return `The Postgres at ${place} does not answer in time. Is it up, and does a firewall let this machine through?`;
  return undefined;
}
