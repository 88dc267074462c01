import { RolesAreMissing } from '#libs/database/index.js';
import { migrationPlan } from './catalogue.js';
import { DatabaseIsNewer, type InstallationMode, migrateAll } from './migrate.js';

const modes: readonly InstallationMode[] = ['production', 'sample', 'test'];

/** `node dist/tools/migrate/main.js`: the one migrate step, before any service starts. */
async function main(): Promise<number> {
  const ownerUrl = process.env.DATABASE_URL;
  if (ownerUrl === undefined || ownerUrl === '') {
    console.error(
      'DATABASE_URL is not set. Set it to the address of the database as its owner, e.g. postgres://owner:…@host:5432/back_office',
    );
    return 2;
  }
  const mode = modes.find((known) => known === (process.env.INSTALLATION_MODE ?? 'production'));
  if (mode === undefined) {
    console.error(`INSTALLATION_MODE is none of ${modes.join(', ')}.`);
    return 2;
  }
  try {
    const plan = await migrationPlan();
    await migrateAll({ ...plan, ownerUrl, mode });
    console.error(
      `The database is migrated (${mode}): ${[...plan.extraMigrations, ...plan.services].map(({ name }) => name).join(', ')}.`,
    );
    return 0;
  } catch (error) {
    if (error instanceof RolesAreMissing || error instanceof DatabaseIsNewer) console.error(error.message);
    else console.error(error);
    return 1;
  }
}

process.exit(await main());
