import pg from 'pg';
import { serviceRoles } from '#libs/database/index.js';
import { PreflightError } from './preflight.js';
import { sampleStartsAt } from './state.js';

/** Schemas that the migrate step makes; nothing else in the database is ours. */
const schemas = [...serviceRoles, 'messaging', 'bullmq', 'kernel'];

interface Found {
  mode: 'production' | 'sample' | 'test';
  /** The sample's clock has left the evening on which Northgate moves in. */
  hasLived: boolean;
}

/**
 * A database of the caller's own lives longer than the data directory, or shorter: refuses to run the days of one on
 * the books of another. With `reset`, what the product made in it is dropped, unless real money is in it.
 */
export async function fitExternalDatabase(
  url: string,
  { movedIn, lastDay }: { movedIn: boolean; lastDay: string | null },
  reset: boolean,
): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'launcher' });
  await client.connect();
  try {
    const found = await installationIn(client);
    if (found && found.mode !== 'sample')
      throw new PreflightError(
        `DATABASE_URL: the database holds a ${found.mode} installation. npm start plays the sample institution and needs a database of its own.`,
      );
    if (reset) {
      if (found) await drop(client);
      return;
    }
    if (found?.hasLived && !movedIn)
      throw new PreflightError(
        "DATABASE_URL: the database holds days of an earlier run that this data directory does not know. Name that run's folder with --data FOLDER, or start from nothing with --reset.",
      );
    if (lastDay !== null && !found?.hasLived)
      throw new PreflightError(
        'DATABASE_URL: the database is not the one that this data directory was used with. Name that one, or another folder with --data FOLDER, or start from nothing with --reset.',
      );
  } finally {
    await client.end();
  }
}

async function installationIn(client: pg.Client): Promise<Found | undefined> {
  const { rows: tables } = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('kernel.installation') IS NOT NULL AS exists`,
  );
  if (!tables[0]?.exists) return undefined;
  const { rows } = await client.query<Found>(
    `SELECT mode, coalesce((SELECT instant > $1 FROM kernel.clock), false) AS "hasLived" FROM kernel.installation`,
    [sampleStartsAt],
  );
  return rows[0];
}

async function drop(client: pg.Client): Promise<void> {
  try {
    for (const schema of schemas) await client.query(`DROP SCHEMA IF EXISTS ${pg.escapeIdentifier(schema)} CASCADE`);
  } catch (error) {
    if ((error as { code?: string }).code !== '42501') throw error;
    throw new PreflightError(
      `DATABASE_URL: its role may not drop what the role migrate made. Have an administrator run: DROP SCHEMA IF EXISTS ${schemas.join(', ')} CASCADE`,
      { cause: error },
    );
  }
}
