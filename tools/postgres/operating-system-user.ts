import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { EmbeddedPostgresError } from './errors.js';

export interface OperatingSystemUser {
  uid: number;
  gid: number;
}

/** Postgres refuses to run as root. Root runs it as `nobody`, or as the first other user there is. */
export function unprivilegedUser(): OperatingSystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  let lines: string[] = [];
  try {
    lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  } catch {
    // An image without /etc/passwd still knows numbers.
  }
  const users = lines
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name, uid: Number.parseInt(uid ?? '', 10), gid: Number.parseInt(gid ?? '', 10) }))
    .filter(({ uid, gid }) => uid > 0 && gid > 0);
  const chosen = users.find(({ name }) => name === 'nobody') ?? users[0];
  return chosen ? { uid: chosen.uid, gid: chosen.gid } : { uid: 65534, gid: 65534 };
}

export function refusedToChangeUser(cause: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'NO_UNPRIVILEGED_USER',
    'Postgres must not run as root, and this process may not change to another user. Start as an ordinary user, or set DATABASE_URL.',
    { cause },
  );
}

/** Whether the user can walk from / down to the folder (of which the last parts may not exist yet). */
export function canReach(user: OperatingSystemUser, folder: string): boolean {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const stat = statSync(at, { throwIfNoEntry: false });
    if (stat) {
      const mayEnter =
        stat.uid === user.uid ? stat.mode & 0o100 : stat.gid === user.gid ? stat.mode & 0o010 : stat.mode & 0o001;
      if (!mayEnter) return false;
    }
    if (dirname(at) === at) return true;
  }
}
