import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { AuditOwner, AuditTrail } from '#libs/audit/index.js';
import { roles } from '#libs/auth/index.js';
import { ConfigurationError, loadConfig, ownerEnvironment } from '#libs/config/index.js';
import {
  connectionFault,
  dataSourceOptions,
  readOrMakeRolePasswords,
  roleUrl,
  sqlStateOf,
  Transactions,
} from '#libs/database/index.js';
import { ApiClientsRepository } from './api-clients/api-clients.repository.js';
import { ApiClients } from './api-clients/api-clients.service.js';
import { ComplianceConfig } from './compliance.config.js';

/** Nothing was done; the message says why and what to do. */
class Refused extends Error {}

export interface CommandOutput {
  /** The key, and nothing else. */
  answer(text: string): void;
  say(text: string): void;
}

const usage = `Makes an API client where the API has nobody yet who could. Run it as the owner of the database:

  DATABASE_URL=postgres://owner:…@host:5432/back_office ROLE_PASSWORDS_FILE=/run/secrets/role_passwords \\
  node dist/apps/compliance/src/create-api-client.js --subject ann --by "Ann Smith" --reason "first administrator"

  --subject NAME   who the client is: small letters, digits and . _ -, 3 to 64 of them, a letter first
  --by NAME        the person who runs this; kept in the audit log
  --reason TEXT    why; kept in the audit log
  --role ROLE      admin unless given; repeat it for several: ${roles.join(', ')}
  --book BOOK      every book unless given; repeat it for several
  --machine        the client is a program, not a person
  --recover        also when somebody could make one through the API: their keys are lost

API_KEY_PEPPER must be that of the gateway, if it has one. The key is printed once, alone, on standard output.`;

interface Asked {
  readonly client: { subject: string; kind: 'PERSON' | 'MACHINE'; roles: string[]; books: string[] };
  readonly by: string;
  readonly reason: string;
  readonly isRecovery: boolean;
}

const options = {
  subject: { type: 'string' },
  by: { type: 'string' },
  reason: { type: 'string' },
  role: { type: 'string', multiple: true },
  book: { type: 'string', multiple: true },
  machine: { type: 'boolean' },
  recover: { type: 'boolean' },
} as const;

function valuesOf(parameters: readonly string[]) {
  try {
    return parseArgs({ args: [...parameters], options }).values;
  } catch (error) {
    throw new Refused(`${(error as Error).message}\n\n${usage}`);
  }
}

function read(parameters: readonly string[]): Asked {
  const values = valuesOf(parameters);
  const { subject, by, reason, role = ['admin'], book = ['*'] } = values;
  for (const [name, value] of Object.entries({ subject, by, reason }))
    if (value === undefined || value.trim() === '') throw new Refused(`--${name} is missing.\n\n${usage}`);
  if (!/^[a-z][a-z0-9._-]{2,63}$/.test(subject ?? '')) throw new Refused(`--subject: "${subject}" is no such name.`);
  for (const one of book)
    if (one !== '*' && !/^[A-Za-z0-9_.-]{1,64}$/.test(one)) throw new Refused(`--book: "${one}" is no name of a book.`);
  return {
    client: { subject: subject ?? '', kind: values.machine ? 'MACHINE' : 'PERSON', roles: role, books: book },
    by: by?.trim() ?? '',
    reason: reason?.trim() ?? '',
    isRecovery: values.recover ?? false,
  };
}

/** Who may connect as a service is not enough: this is for who owns the database. */
async function ownerOf(url: string): Promise<string> {
  const owner = new pg.Client({ connectionString: url, application_name: 'create-api-client' });
  owner.on('error', () => undefined);
  try {
    await owner.connect();
    const { rows } = await owner.query<{ name: string; owns: boolean; isMigrated: boolean }>(
      `SELECT session_user AS name, pg_has_role(session_user, datdba, 'MEMBER') AS owns,
              to_regclass('compliance.api_client_secret') IS NOT NULL AS "isMigrated"
         FROM pg_database WHERE datname = current_database()`,
    );
    const [found] = rows;
    if (!found?.owns)
      throw new Refused(
        `${found?.name ?? 'This user'} does not own the database. Set DATABASE_URL to the address as its owner, the one of the migrate step.`,
      );
    if (!found.isMigrated) throw new Refused('The database is not migrated. Run the migrate step first.');
    return found.name;
  } finally {
    await owner.end().catch(() => undefined);
  }
}

/** 0: the client was made; 1: refused; 2: what was given is not usable. */
export async function createApiClientAsOwner(
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: CommandOutput,
): Promise<number> {
  if (parameters.includes('--help')) {
    output.say(usage);
    return 0;
  }
  let url = '';
  try {
    const asked = read(parameters);
    const config = loadConfig(ownerEnvironment, environment);
    url = config.DATABASE_URL;
    const passwordsFile = config.ROLE_PASSWORDS_FILE;
    if (!existsSync(passwordsFile))
      throw new Refused('ROLE_PASSWORDS_FILE must name the file of role passwords that the migrate step used.');
    const owner = await ownerOf(url);
    return await create(
      roleUrl(url, 'compliance', readOrMakeRolePasswords(passwordsFile).compliance),
      asked,
      owner,
      output,
    );
  } catch (error) {
    if (error instanceof Refused || error instanceof ConfigurationError) output.say(error.message);
    else {
      const fault = connectionFault(error, url);
      if (fault === undefined) throw error;
      output.say(`DATABASE_URL: ${fault}`);
    }
    return 2;
  }
}

async function create(url: string, asked: Asked, owner: string, output: CommandOutput): Promise<number> {
  const dataSource = new DataSource(
    dataSourceOptions({ url, applicationName: 'create-api-client', poolSize: 1, connectTimeoutMs: 10_000 }),
  );
  try {
    await dataSource.initialize().catch((error: unknown) => {
      if (sqlStateOf(error) !== '28P01') throw error;
      throw new Refused('ROLE_PASSWORDS_FILE is not the one of this database: its password of compliance is refused.');
    });
    const transactions = new Transactions(dataSource);
    const audit = new AuditTrail(new AuditOwner('compliance'));
    const clients = new ApiClients(new ApiClientsRepository(), transactions, audit, new ComplianceConfig());
    const { key, problems } = await transactions.run((tx) =>
      clients.createAsOwner(tx, asked.client, { ...asked, by: `database-owner:${owner} (${asked.by})` }),
    );
    if (key === undefined) {
      output.say(`Refused: ${problems.map(({ code, message }) => `${message} (${code})`).join('; ')}.`);
      if (problems.some(({ code }) => code === 'ADMINISTRATOR_EXISTS'))
        output.say('Ask them. Only when their keys are lost, run this again with --recover.');
      return 1;
    }
    const { subject, roles: held, books } = asked.client;
    output.say(
      `${subject} may now call the API as ${held.join(', ')} in ${books.includes('*') ? 'every book' : books.join(', ')}.`,
    );
    output.say('This is the key. It is not stored and cannot be shown again; keep it in a secret store:');
    output.answer(key);
    return 0;
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}
