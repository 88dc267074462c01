import { ConfigurationError, loadConfig, ownerEnvironment } from '#libs/config/index.js';
import { connectionFault, RolesAreMissing } from '#libs/database/index.js';
import { migrationPlan } from './catalogue.js';
import { DatabaseIsNewer, migrateAll } from './migrate.js';

/** The one migrate step, before any service starts. 0: done; 1: it failed; 2: what was given is not usable. */
export async function migrateCommand(environment: NodeJS.ProcessEnv, say: (text: string) => void): Promise<number> {
  const faulty = (text: string) => {
    say(text);
    return 2;
  };
  let read;
  try {
    read = loadConfig(ownerEnvironment, environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return faulty(error.message);
    throw error;
  }
  const { DATABASE_URL: ownerUrl, INSTALLATION_MODE: mode, ROLE_PASSWORDS_FILE: passwordsFile } = read;
  try {
    const plan = await migrationPlan();
    await migrateAll({ ...plan, ownerUrl, mode, passwordsFile });
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
    if (fault !== undefined) return faulty(`DATABASE_URL: ${fault}`);
    say(error instanceof Error ? ((environment.DEBUG ? error.stack : undefined) ?? error.message) : String(error));
    return 1;
  }
}
