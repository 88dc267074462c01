import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { DatabaseModule, Transactions } from './index.js';

@Injectable()
class Feature {
  constructor(
    readonly transactions: Transactions,
    readonly dataSource: DataSource,
  ) {}
}

@Module({ providers: [Feature] })
class FeatureModule {}

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

describe('DatabaseModule', () => {
  it("gives every module the service's transactions, under its name and role", async () => {
    const application = await Test.createTestingModule({
      imports: [
        DatabaseModule.forService({ service: 'accounting', url: database.urlFor('accounting'), poolSize: 2 }),
        FeatureModule,
      ],
    }).compile();
    const feature = application.get(Feature, { strict: false });
    const sql =
      "SELECT current_user AS role, current_setting('application_name') AS name, current_schema() AS schema, current_setting('app.books') AS books";
    expect(await feature.transactions.run((tx) => tx.row(sql))).toEqual({
      role: 'accounting',
      name: 'accounting',
      schema: 'accounting',
      books: '*',
    });
    expect(feature.transactions.dataSource).toBe(feature.dataSource);
    await application.close();
    expect(feature.dataSource.isInitialized).toBe(false);
  });

  it('reads its address from the environment when it starts, and says what is missing', async () => {
    const known = process.env.DATABASE_URL;
    delete process.env.DATABASE_URL;
    try {
      const starting = Test.createTestingModule({
        imports: [DatabaseModule.forService({ service: 'accounting' })],
      }).compile();
      await expect(starting).rejects.toThrow(/DATABASE_URL: is not set/);
    } finally {
      if (known !== undefined) process.env.DATABASE_URL = known;
    }
  });
});
