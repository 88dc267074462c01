import { join } from 'node:path';
import { runMigrations } from 'bullmq';
import pg from 'pg';
import { AbstractLogger, DataSource, type MigrationInterface } from 'typeorm';
import {
  databaseRoles,
  dataSourceOptions,
  ensureRoles,
  readOrMakeRolePasswords,
  roleUrls,
  type RolePasswords,
  serviceRoles,
} from '#libs/database/index.js';
import { declareMessageRoutes } from '#libs/messaging/index.js';

export { roleUrls } from '#libs/database/index.js';

export type MigrationClass = new () => MigrationInterface;

export interface SchemaMigrations {
  /** The schema and, for a service, the role of the same name. */
  name: string;
  migrations: readonly MigrationClass[];
}

export type InstallationMode = 'production' | 'sample' | 'test';

export interface MigrateOptions {
  /** Of the owner of the database. */
  ownerUrl: string;
  /** Run as the owner, in schema `kernel`. */
  baseMigrations: readonly MigrationClass[];
  /** Schemas of libraries that services share, before those of the services. */
  extraMigrations: readonly SchemaMigrations[];
  services: readonly SchemaMigrations[];
  /** Passwords of the roles; without them those of the file, else of `ROLE_PASSWORDS_FILE`, else of role-passwords.json in the data directory. */
  passwords?: RolePasswords | undefined;
  passwordsFile?: string | undefined;
  dataDirectory?: string | undefined;
  /** Fixed by the first migration of a database and never changed. Absent: left open (a template for tests). */
  mode?: InstallationMode | undefined;
  /** Where the clock of a sample or test installation stands at first. */
  startsAt?: string | undefined;
}

/** Migrations were run here that this version of the product does not have. */
export class DatabaseIsNewer extends Error {
  override readonly name = 'DatabaseIsNewer';

  constructor(readonly unknownMigrations: readonly string[]) {
    super(
      'The database was migrated by a newer version of this product, which this version cannot work with. ' +
        `Start the newer version, or restore a backup from before it. Unknown here: ${unknownMigrations.join(', ')}`,
    );
  }
}

/** One number for this product; the lock lives in the database that is migrated. */
const advisoryLock = '7240118240337211';
const historyTable = 'migration_history';
const queueSchema = 'bullmq';
const messagingSchema = 'messaging';

/** Brings a database to the state of this version. Twice is harmless, at once by two is one after the other. */
export async function migrateAll(options: MigrateOptions): Promise<RolePasswords> {
  const { ownerUrl, baseMigrations, extraMigrations, services } = options;
  const owner = new pg.Client({
    connectionString: ownerUrl,
    application_name: 'migrate',
    connectionTimeoutMillis: 15_000,
  });
  owner.on('error', () => undefined);
  let passwords: RolePasswords;
  try {
    await owner.connect();
    passwords =
      options.passwords ?? readOrMakeRolePasswords(options.passwordsFile ?? passwordsFile(options.dataDirectory));
    await owner.query('SELECT pg_advisory_lock($1)', [advisoryLock]);
    await ensureRoles(owner, passwords, ownerUrl);
    await grantDatabase(owner);
    const urls = roleUrls(ownerUrl, passwords);
    const unknown = await unknownIn(owner, [{ name: 'kernel', migrations: baseMigrations }]);
    // The owner of the database need not be a superuser; what belongs to `migrate` only that role may read.
    await withClient(urls.migrate, async (migrate) => {
      unknown.push(...(await unknownIn(migrate, [...extraMigrations, ...services])));
    });
    if (unknown.length > 0) throw new DatabaseIsNewer(unknown);

    await owner.query('CREATE SCHEMA IF NOT EXISTS kernel');
    await runSchema(ownerUrl, { name: 'kernel', migrations: baseMigrations });
    if (options.mode) await fixMode(owner, options.mode, options.startsAt);

    await withClient(urls.migrate, async (migrate) => {
      await makeSchemas(migrate, extraMigrations, services);
      for (const schema of [...extraMigrations, ...services]) await runSchema(urls.migrate, schema);
      // The routes follow the catalogue of this version, also where no migration had to run.
      if (extraMigrations.some(({ name }) => name === messagingSchema)) {
        await declareMessageRoutes((sql, parameters) => migrate.query(sql, parameters));
      }
      await migrateQueue(migrate, urls.queue);
      await letVerifyRead(
        migrate,
        [...extraMigrations, ...services].map(({ name }) => name),
      );
    });
    await owner.query('GRANT SELECT ON ALL TABLES IN SCHEMA kernel TO verify');
  } finally {
    await owner.end().catch(() => undefined);
  }
  return passwords;
}

function passwordsFile(dataDirectory: string | undefined): string {
  const named = process.env.ROLE_PASSWORDS_FILE;
  if (named !== undefined && named !== '') return named;
  if (dataDirectory !== undefined) return join(dataDirectory, 'role-passwords.json');
  throw new Error(
    'ROLE_PASSWORDS_FILE is not set. Set it to a file that keeps the passwords of the database roles; it is made when it is missing.',
  );
}

/** Not copied when a database is made from a template, so it is done for every database. */
export async function grantDatabase(owner: pg.Client): Promise<void> {
  const { rows } = await owner.query<{ name: string }>('SELECT current_database() AS name');
  const database = pg.escapeIdentifier(rows[0]?.name ?? '');
  await owner.query(`
    REVOKE CONNECT, TEMPORARY ON DATABASE ${database} FROM PUBLIC;
    GRANT CONNECT ON DATABASE ${database} TO ${databaseRoles.join(', ')};
    GRANT CREATE, TEMPORARY ON DATABASE ${database} TO migrate;
    GRANT TEMPORARY ON DATABASE ${database} TO queue;
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
  `);
}

/** What was run in these schemas and is not in this version. */
async function unknownIn(client: pg.Client, schemas: readonly SchemaMigrations[]): Promise<string[]> {
  const unknown: string[] = [];
  for (const { name, migrations } of schemas) {
    const known = new Set(migrations.map((migration) => new migration().name ?? migration.name));
    for (const done of await historyOf(client, name)) if (!known.has(done)) unknown.push(`${name}.${done}`);
  }
  return unknown;
}

async function historyOf(client: pg.Client, schema: string): Promise<string[]> {
  const table = `${pg.escapeIdentifier(schema)}.${historyTable}`;
  const { rows: found } = await client.query<{ exists: boolean }>('SELECT to_regclass($1) IS NOT NULL AS exists', [
    table,
  ]);
  if (found[0]?.exists !== true) return [];
  const { rows } = await client.query<{ name: string }>(`SELECT name FROM ${table}`);
  return rows.map(({ name }) => name);
}

/** TypeORM writes a failure to stdout, where only answers go; it is thrown as well. */
class Silent extends AbstractLogger {
  protected writeLog(): void {
    return;
  }
}

async function runSchema(url: string, { name, migrations }: SchemaMigrations): Promise<void> {
  const options = dataSourceOptions({ url, applicationName: `migrate ${name}`, poolSize: 2 });
  const dataSource = new DataSource({
    ...options,
    extra: { ...(options.extra as object), pipeline: false, options: `-c search_path=${name}` },
    schema: name,
    migrations: [...migrations],
    migrationsTableName: historyTable,
    migrationsTransactionMode: 'each',
    logger: new Silent(),
  } as typeof options);
  await dataSource.initialize();
  try {
    await dataSource.runMigrations();
  } catch (error) {
    throw new Error(`Migrating schema ${name} failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    await dataSource.destroy();
  }
}

async function fixMode(owner: pg.Client, mode: InstallationMode, startsAt: string | undefined): Promise<void> {
  const { rows } = await owner.query<{ mode: InstallationMode }>('SELECT mode FROM kernel.installation');
  const fixed = rows[0]?.mode;
  if (fixed === undefined) await owner.query('SELECT kernel.fix_installation($1, $2)', [mode, startsAt ?? null]);
  else if (fixed !== mode) {
    throw new Error(
      `This database belongs to a ${fixed} installation and cannot become one for ${mode}. Use another database.`,
    );
  }
}

async function makeSchemas(
  migrate: pg.Client,
  shared: readonly SchemaMigrations[],
  services: readonly SchemaMigrations[],
): Promise<void> {
  const statements = [
    ...shared.map(({ name }) => [name, `${serviceRoles.join(', ')}, verify`] as const),
    ...services.map(({ name }) => [name, `${pg.escapeIdentifier(name)}, verify`] as const),
  ].flatMap(([name, readers]) => [
    `CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(name)}`,
    `GRANT USAGE ON SCHEMA ${pg.escapeIdentifier(name)} TO ${readers}`,
  ]);
  await migrate.query(
    [
      ...statements,
      `CREATE SCHEMA IF NOT EXISTS ${queueSchema}`,
      `GRANT USAGE, CREATE ON SCHEMA ${queueSchema} TO queue`,
    ].join(';\n'),
  );
}

/** BullMQ's own schema, owned by the role that its workers use: they make a sequence for each queue at run time. */
async function migrateQueue(migrate: pg.Client, queueUrl: string): Promise<void> {
  await withClient(queueUrl, async (queue) => {
    const client = {
      query: async (text: string, values?: unknown[]) => {
        // Postgres asks for CREATE on the database before it looks whether the schema exists, and that right is not given.
        if (/^\s*CREATE SCHEMA IF NOT EXISTS/i.test(text)) return { rows: [], rowCount: 0 };
        return queue.query(text, values);
      },
    };
    await runMigrations(client, queueSchema);
  });
  await migrate.query(`GRANT USAGE ON SCHEMA ${queueSchema} TO verify`);
}

async function letVerifyRead(migrate: pg.Client, schemas: readonly string[]): Promise<void> {
  await migrate.query(
    schemas
      .map(pg.escapeIdentifier)
      .flatMap((schema) => [
        `GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO verify`,
        `GRANT SELECT ON ALL SEQUENCES IN SCHEMA ${schema} TO verify`,
        `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT SELECT ON TABLES TO verify`,
      ])
      .join(';\n'),
  );
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'migrate' });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
