import { existsSync, readdirSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { baseMigrations, serviceRoles } from '#libs/database/index.js';
import { type MigrateOptions, type MigrationClass, type SchemaMigrations } from './migrate.js';

/** The folder with apps/ and libs/ that this code belongs to: the sources, or what was built from them. */
const root = join(import.meta.dirname, '..', '..');
const extension = extname(import.meta.filename);

/** A library with tables of its own, used by all services; every other library's tables are in each service's schema. */
const sharedSchemas: Readonly<Record<string, string>> = { messagingMigrations: 'messaging' };

export type MigrationPlan = Pick<MigrateOptions, 'baseMigrations' | 'extraMigrations' | 'services'>;

/**
 * Every migration there is: of the base, of the libraries (`*.migrations`) and of the services (`database/migrations`);
 * with a list, of these services alone, beside what the libraries need in each schema.
 */
export async function migrationPlan(withServices: readonly string[] = serviceRoles): Promise<MigrationPlan> {
  const ofLibraries = await libraryMigrations();
  const extraMigrations: SchemaMigrations[] = [];
  const inEachService: MigrationClass[] = [];
  for (const [name, migrations] of ofLibraries) {
    const schema = sharedSchemas[name];
    if (schema === undefined) inEachService.push(...migrations);
    else extraMigrations.push({ name: schema, migrations });
  }
  const planned: SchemaMigrations[] = [];
  for (const name of serviceRoles) {
    const own = withServices.includes(name) ? await serviceMigrations(name) : [];
    planned.push({ name, migrations: [...inEachService, ...own] });
  }
  return { baseMigrations, extraMigrations, services: planned };
}

async function libraryMigrations(): Promise<[string, MigrationClass[]][]> {
  const found: [string, MigrationClass[]][] = [];
  const libraries = join(root, 'libs');
  for (const library of readdirSync(libraries).sort()) {
    if (library === 'database') continue;
    for (const file of sourcesIn(join(libraries, library)).filter((name) => name.includes('.migrations.'))) {
      const exported = await load(join(libraries, library, file));
      for (const [name, value] of Object.entries(exported)) {
        if (name.endsWith('Migrations') && Array.isArray(value)) found.push([name, value as MigrationClass[]]);
      }
    }
  }
  return found;
}

async function serviceMigrations(service: string): Promise<MigrationClass[]> {
  const folder = join(root, 'apps', service, 'src', 'database', 'migrations');
  const found: MigrationClass[] = [];
  for (const file of sourcesIn(folder)) {
    if (!/^\d{14}-/.test(file)) continue;
    const classes = Object.values(await load(join(folder, file))).filter(isMigration);
    if (classes.length === 0) throw new Error(`${join(folder, file)} exports no migration`);
    found.push(...classes);
  }
  return found;
}

function sourcesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(extension) && !name.endsWith('.d.ts') && !/spec\.[jt]s$/.test(basename(name)))
    .sort();
}

function isMigration(value: unknown): value is MigrationClass {
  return typeof value === 'function' && typeof (value.prototype as { up?: unknown } | undefined)?.up === 'function';
}

async function load(file: string): Promise<Record<string, unknown>> {
  return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
}
