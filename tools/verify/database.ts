import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readOrMakeRolePasswords, roleUrls } from '#libs/database/index.js';
import { postgresFolder, startEmbeddedPostgres } from '#tools/postgres/embedded.js';

export { postgresFolder };
/** Where the launcher keeps the passwords of the database roles. */
export const passwordsFile = (dataDirectory: string): string => join(resolve(dataDirectory), 'role-passwords.json');

/** Gives the read-only role's URL, on `DATABASE_URL` or on the embedded Postgres, which is started when it does not run. */
export async function withVerifyUrl<Result>(
  dataDirectory: string,
  work: (verifyUrl: string) => Promise<Result>,
): Promise<Result> {
  const passwordsPath = process.env.ROLE_PASSWORDS_FILE ?? passwordsFile(dataDirectory);
  if (!existsSync(passwordsPath)) {
    throw new Error(
      `There is no installation in ${resolve(dataDirectory)} yet. Run "npm start" first, or name another folder with --data.`,
    );
  }
  const passwords = readOrMakeRolePasswords(passwordsPath);
  const external = process.env.DATABASE_URL;
  if (external) return work(roleUrls(external, passwords).verify);
  const postgres = await startEmbeddedPostgres({ dataDirectory: postgresFolder(dataDirectory) });
  try {
    return await work(roleUrls(postgres.ownerUrl, passwords).verify);
  } finally {
    await postgres.stop();
  }
}
