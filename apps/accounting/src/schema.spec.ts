import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { assertExpectedPermissions, printSubgraphSchema, subgraphSchemaOf } from '#libs/graphql/testing.js';
import { AccountingModule } from './accounting.module.js';

describe('the schema of accounting', () => {
  it('names a scope for every field and decides as it declares, for every role', async () => {
    const { cells } = assertExpectedPermissions(
      await subgraphSchemaOf('accounting', AccountingModule),
      join(import.meta.dirname, 'accounting.permissions.json'),
    );
    const may = (field: string, role: string) =>
      cells.find((cell) => cell.field === field && cell.role === role)?.allowed;
    expect(may('Mutation.postTransfer', 'controller')).toBe(true);
    expect(may('Mutation.postTransfer', 'front-office')).toBe(false);
    expect(may('Query.balances', 'front-office')).toBe(true);
    expect(may('Query.balances', 'partner')).toBe(false);
    expect(may('Mutation.proposeLimitChange', 'operations')).toBe(false);
    expect(may('Mutation.runBusinessDayPhase', 'operations')).toBe(true);
    expect(may('Mutation.extendCutOff', 'operations')).toBe(true);
    expect(may('Mutation.extendCutOff', 'controller')).toBe(false);
  });

  it('is a subgraph with its entities', async () => {
    const sdl = await printSubgraphSchema('accounting', AccountingModule);
    for (const type of ['Account', 'JournalEntry', 'Party'])
      expect(sdl).toMatch(new RegExp(`type ${type}\\b[^{]*@key\\(fields: "id"\\)`));
    expect(sdl).toMatch(/accountingWorkItems/);
  });
});
