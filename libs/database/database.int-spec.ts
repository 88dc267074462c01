import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({  });
});
afterAll(() => database.drop());

describe('database', () => {
  it('works', async () => {
    const tx = database.transactions('settlement');
    expect(await tx.run((t) => t.row("select kernel.now() as now, current_user as who, kernel.sees_book('A') as a, date '2026-01-02' as d, 12::numeric as n"))).toEqual({});
  });
});
