import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { assertExpectedPermissions, printSubgraphSchema, subgraphSchemaOf } from '#libs/graphql/testing.js';
import { SettlementModule } from './settlement.module.js';

describe('the schema of settlement', () => {
  it('names a scope for every field, and the walker decides as the directives say, for every role', async () => {
    const { cells } = assertExpectedPermissions(
      await subgraphSchemaOf('settlement', SettlementModule),
      join(import.meta.dirname, 'settlement.permissions.json'),
    );
    const may = (field: string) =>
      cells
        .filter((cell) => cell.field === field && cell.allowed)
        .map(({ role }) => role)
        .sort();
    expect(may('Mutation.captureTrade')).toEqual(['front-office', 'operations']);
    expect(may('Mutation.receiveFile')).toEqual(['front-office', 'operations', 'partner']);
    expect(may('Mutation.proposeSsiChange')).toEqual(['operations']);
    expect(may('Mutation.signCutOver')).toEqual(['controller', 'operations', 'operations-approver']);
    expect(may('Mutation.rollBackCutOver')).toEqual(['operations']);
    expect(may('Query.trade')).toContain('partner');
    expect(may('Query.instrument')).not.toContain('partner');
  });

  it('is a federation subgraph with the trade as an entity', async () => {
    const sdl = await printSubgraphSchema('settlement', SettlementModule);
    expect(sdl).toMatch(/type Trade\b[^{]*@key\(fields: "id"\)/);
    for (const field of [
      'captureTrades',
      'amendTrade',
      'tradeByExecution',
      'receiveFile',
      'expectedFiles',
      'startCutOver',
      'settlementDayFigures',
      'proposePriceOverride',
      'changeProposal',
      'lastGoodPrice',
    ]) {
      expect(sdl).toContain(`${field}(`);
    }
  });
});
