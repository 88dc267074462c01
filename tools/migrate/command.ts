import { connectionFault, RolesAreMissing } from '#libs/database/index.js';
import { migrationPlan } from './catalogue.js';
import { DatabaseIsNewer, type InstallationMode, migrateAll } from './migrate.js';

const modes: readonly InstallationMode[] = ['production', 'sample', 'test'];

/** The one migrate step, before any service starts. 0: done; 1: it failed; 2: what was given is not usable. */
export async function migrateCommand(environment: NodeJS.ProcessEnv, say: (text: string) => void): Promise<number> {
  const ownerUrl = environment.DATABASE_URL;
  if (ownerUrl === undefined || ownerUrl === '') {
    say(
      'DATABASE_URL is not set. Set it to the address of the database as its owner, e.g. postgres://owner:…@host:5432/back_office',
    );
    return 2;
  }
  const mode = modes.find((known) => known === (environment.INSTALLATION_MODE ?? 'production'));
  if (mode === undefined) {
    say(`INSTALLATION_MODE is none of ${modes.join(', ')}.`);
    return 2;
  }
  try {
    const plan = await migrationPlan();
    await migrateAll({ ...plan, ownerUrl, mode });
    say(
      `The database is migrated (${mode}): ${[...plan.extraMigrations, ...plan.services].map(({ name }) => name).join(', ')}.`,
    );
    return 0;
  } catch (error) {
    if (error instanceof RolesAreMissing || error instanceof DatabaseIsNewer) {
      say(error.message);
      return 1;
    }
    const fault = connectionFault(error, ownerUrl);
    if (fault !== undefined) {
      say(`DATABASE_URL: ${fault}`);
      return 2;
    }
    say(error instanceof Error ? ((environment.DEBUG ? error.stack : undefined) ?? error.message) : String(error));
    return 1;
  }
}
