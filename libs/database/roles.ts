import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import pg from 'pg';

/** A role per service, named as its schema. */
export const serviceRoles = ['settlement', 'accounting', 'compliance'] as const;

/** `migrate` owns every table, `queue` works in the queue's schema alone, `verify` reads everything and writes nothing. */
export const databaseRoles = ['migrate', ...serviceRoles, 'queue', 'verify'] as const;

export type ServiceRole = (typeof serviceRoles)[number];
export type DatabaseRole = (typeof databaseRoles)[number];
export type RolePasswords = Readonly<Record<DatabaseRole, string>>;

interface RoleDefinition {
  attributes: string;
  settings: Readonly<Record<string, string>>;
}

const common = 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION';

const definitions: Readonly<Record<DatabaseRole, RoleDefinition>> = {
  // It sees all books, or a migration that moves rows would silently move none of a table with forced row security.
  migrate: { attributes: `${common} NOBYPASSRLS`, settings: { 'app.books': '*', lock_timeout: '60s' } },
  settlement: ofService('settlement'),
  accounting: ofService('accounting'),
  compliance: ofService('compliance'),
  queue: {
    attributes: `${common} NOBYPASSRLS`,
    settings: { search_path: 'bullmq', idle_in_transaction_session_timeout: '60s' },
  },
  verify: {
    attributes: `${common} BYPASSRLS`,
    settings: { default_transaction_read_only: 'on', statement_timeout: '15min' },
  },
};

function ofService(schema: string): RoleDefinition {
  return {
    attributes: `${common} NOBYPASSRLS`,
    settings: {
      search_path: schema,
      statement_timeout: '30s',
      lock_timeout: '15s',
      idle_in_transaction_session_timeout: '60s',
    },
  };
}

/** The owner may not create roles: the message carries what a database administrator has to run. */
export class RolesAreMissing extends Error {
  override readonly name = 'RolesAreMissing';

  constructor(readonly sql: string) {
    super(
      'The database role of DATABASE_URL may not create the roles of this product. Have an administrator of the database run the following ' +
        `(the passwords are in it as SCRAM verifiers only), then start again:\n\n${sql}\n`,
    );
  }
}

const identifier = (name: string) => pg.escapeIdentifier(name);
const literal = (text: string) => pg.escapeLiteral(text);

/** RFC 5803: what Postgres stores of a password; so no password stands in a statement, a log or a printout. */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const iterations = 4096;
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}

function statementsFor(role: DatabaseRole, exists: boolean, password: string): string[] {
  const { attributes, settings } = definitions[role];
  const secret = `PASSWORD ${literal(scramVerifier(password))}`;
  return [
    exists ? `ALTER ROLE ${identifier(role)} ${secret}` : `CREATE ROLE ${identifier(role)} ${attributes} ${secret}`,
    ...Object.entries(settings).map(
      ([name, value]) => `ALTER ROLE ${identifier(role)} SET ${name} = ${literal(value)}`,
    ),
  ];
}

const inUse = (error: unknown) => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  // duplicate_object, unique_violation, and "tuple concurrently updated", which has no code of its own
  return (
    code === '42710' ||
    code === '23505' ||
    (error instanceof Error && error.message.includes('tuple concurrently updated'))
  );
};

/** Makes the roles that are missing (they belong to the whole cluster) and puts their passwords right. */
export async function ensureRoles(
  owner: pg.Client | pg.PoolClient,
  passwords: RolePasswords,
  ownerUrl?: string,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ensureRolesOnce(owner, passwords, ownerUrl);
      return;
    } catch (error) {
      // Another database of the same cluster is being migrated.
      if (!inUse(error) || attempt >= 10) throw error;
    }
  }
}

async function ensureRolesOnce(
  owner: pg.Client | pg.PoolClient,
  passwords: RolePasswords,
  ownerUrl: string | undefined,
): Promise<void> {
  const { rows: known } = await owner.query<{ rolname: DatabaseRole }>(
    'SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)',
    [databaseRoles],
  );
  const existing = new Set(known.map(({ rolname }) => rolname));
  const statements: string[] = [];
  for (const role of databaseRoles) {
    const exists = existing.has(role);
    if (exists && (ownerUrl === undefined || (await canLogIn(roleUrl(ownerUrl, role, passwords[role]))))) continue;
    statements.push(...statementsFor(role, exists, passwords[role]));
  }
  if (statements.length === 0) return;
  const { rows } = await owner.query<{ may: boolean }>(
    'SELECT rolsuper OR (rolcreaterole AND rolbypassrls) AS may FROM pg_roles WHERE rolname = current_user',
  );
  const sql = statements.join(';\n') + ';';
  if (rows[0]?.may !== true) throw new RolesAreMissing(sql);
  await owner.query(`BEGIN; ${sql} COMMIT`).catch(async (error: unknown) => {
    await owner.query('ROLLBACK');
    if (error instanceof Error && 'code' in error && error.code === '42501') throw new RolesAreMissing(sql);
    throw error;
  });
}

async function canLogIn(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === '28P01' || code === '28000') return false;
    // Known but not yet allowed into this database: its password was accepted.
    if (code === '42501') return true;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

export function roleUrl(ownerUrl: string, role: DatabaseRole, password: string): string {
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = encodeURIComponent(password);
  return url.toString();
}

export function roleUrls(ownerUrl: string, passwords: RolePasswords): Record<DatabaseRole, string> {
  return Object.fromEntries(databaseRoles.map((role) => [role, roleUrl(ownerUrl, role, passwords[role])])) as Record<
    DatabaseRole,
    string
  >;
}

export function newRolePasswords(): RolePasswords {
  return Object.fromEntries(databaseRoles.map((role) => [role, randomBytes(24).toString('base64url')])) as Record<
    DatabaseRole,
    string
  >;
}

/** The passwords kept in a file that only its owner reads; the file is made when it is missing. */
export function readOrMakeRolePasswords(file: string): RolePasswords {
  const known = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<DatabaseRole, string>>)
    : {};
  const missing = databaseRoles.filter((role) => known[role] === undefined || known[role] === '');
  const passwords = {
    ...newRolePasswords(),
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== '')),
  };
  if (missing.length > 0) {
    mkdirSync(dirname(file), { recursive: true });
    const building = `${file}.${process.pid}`;
    writeFileSync(building, `${JSON.stringify(passwords, null, 2)}\n`, { mode: 0o600 });
    renameSync(building, file);
  }
  return passwords;
}
