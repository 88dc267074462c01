import { type INestApplication } from '@nestjs/common';
import { principalOf, type Role, signInternalToken } from '#libs/auth/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import { bootService, type RunningService } from '#libs/service/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';

const secret = 'a-secret-of-tests-that-is-long-enough';

interface Answer {
  data?: Record<string, unknown> | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

/** The whole service on a database of its own: HTTP, queue and workers. */
export interface ServiceUnderTest {
  readonly app: INestApplication;
  readonly database: TestDatabase;
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  ask(document: string, variables?: object, as?: { role?: Role; subject?: string; books?: string[] }): Promise<Answer>;
  mutate<T = Record<string, never>>(
    name: string,
    inputType: string,
    input: object,
    selection: string,
    as?: { role?: Role; subject?: string; books?: string[] },
  ): Promise<T & { problems: { code: string; path: string | null }[] }>;
  /** The other services are not there: what waits for them counts as heard. */
  othersHeard(): Promise<void>;
  messages(name: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export async function startService(startsAt = '2026-11-25T06:00:00Z'): Promise<ServiceUnderTest> {
  const database = await createTestDatabase({ startsAt });
  Object.assign(process.env, {
    SERVICE_NAME: 'accounting',
    DATABASE_URL: database.urlFor('accounting'),
    QUEUE_DATABASE_URL: database.urlFor('queue'),
    INTERNAL_TOKEN_SECRET: secret,
    MESSAGE_SEAL_KEY: Buffer.alloc(32, 7).toString('base64'),
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'fatal',
    WORKER: 'inline',
  });
  delete process.env.QUEUE_URL;
  const { AccountingModule } = await import('../accounting.module.js');
  const running: RunningService = await bootService({
    module: AccountingModule,
    config: { service: 'accounting', port: 0 },
    followProcess: false,
  });
  const transactions = running.app.get(Transactions, { strict: false });
  const ask: ServiceUnderTest['ask'] = async (
    document,
    variables = {},
    { role = 'controller', subject = `person:${role}`, books = ['*'] } = {},
  ) => {
    const token = await signInternalToken(principalOf(subject, 'PERSON', [role], books), secret);
    const response = await fetch(`http://127.0.0.1:${running.port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: document, variables }),
    });
    return (await response.json()) as Answer;
  };
  return {
    app: running.app,
    database,
    run: (work) => transactions.run(work),
    ask,
    mutate: async (name, inputType, input, selection, as) => {
      const answer = await ask(
        `mutation M($input: ${inputType}!) { ${name}(input: $input) { ${selection} problems { code path } } }`,
        { input },
        as,
      );
      if (answer.errors) throw new Error(JSON.stringify(answer.errors));
      return answer.data?.[name] as never;
    },
    othersHeard: async () => {
      await database
        .pool('owner')
        .query(
          `UPDATE messaging.delivery SET state = 'ACKNOWLEDGED', acknowledged_at = clock_timestamp() WHERE consumer <> 'accounting' AND state <> 'ACKNOWLEDGED'`,
        );
    },
    messages: async (name) => {
      const { rows } = await database
        .pool('owner')
        .query<{ payload: Record<string, unknown> }>(
          'SELECT payload FROM messaging.message WHERE name = $1 ORDER BY sequence',
          [name],
        );
      return rows.map(({ payload }) => payload);
    },
    stop: async () => {
      await running.stop();
      await database.drop();
    },
  };
}
