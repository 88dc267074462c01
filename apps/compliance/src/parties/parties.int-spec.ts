import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { complianceUnderTest, type ComplianceUnderTest } from '../testing/compliance-under-test.js';

describe('parties of a cut-over', () => {
  let compliance: ComplianceUnderTest;
  beforeAll(async () => {
    compliance = await complianceUnderTest();
  });
  afterAll(() => compliance.database.drop());
  const all = () => compliance.run((tx) => compliance.partiesRepository.list(tx, {}, 50));

  it('are registered once, row by row; faulty rows are named', async () => {
    const parties = [
      { partyId: 'P-1', name: 'Anna Becker' },
      { partyId: 'P-2', name: '' },
      { partyId: 'P-3', name: 'Far Bank', kind: 'COUNTERPARTY', book: '' },
      { partyId: 'P-1', name: 'Twice' },
    ];
    await compliance.registerParties(parties);
    await compliance.registerParties(parties);
    const answers = await compliance.sent('compliance.cut-over-applied.v1');
    expect(answers).toHaveLength(2);
    expect(answers[1]).toMatchObject({
      importId: 'imp-1',
      chunk: 0,
      applied: 2,
      refused: [
        { row: 1, code: 'REQUIRED' },
        { row: 3, code: 'DUPLICATE' },
      ],
    });
    expect((await all()).map(({ partyId, version, book }) => [partyId, version, book])).toEqual([
      ['P-1', 1, 'NGEU'],
      ['P-3', 1, '*'],
    ]);
  });

  it('are seen in their book, those of the institution in every book', async () => {
    const seen = await compliance.transactions.run((tx) => compliance.partiesRepository.list(tx, {}, 50), {
      books: ['NGUS'],
    });
    expect(seen.map(({ partyId }) => partyId)).toEqual(['P-3']);
  });

  it('keep every version, and their names out of the audit log', async () => {
    await compliance.registerParties([{ partyId: 'P-1', name: 'Anna Becker-Sommer' }]);
    const versions = await compliance.run((tx) =>
      tx.rows(`SELECT version, name FROM compliance.party_version WHERE party_id = 'P-1' ORDER BY version`),
    );
    expect(versions).toEqual([
      { version: 1, name: 'Anna Becker' },
      { version: 2, name: 'Anna Becker-Sommer' },
    ]);
    const { rows } = await compliance.database
      .pool('owner')
      .query(`SELECT * FROM compliance.audit_leaf WHERE object_kind = 'Party'`);
    expect(rows.length).toBeGreaterThanOrEqual(3);
    expect(JSON.stringify(rows)).not.toMatch(/Becker/);
  });

  it('of another kind are refused', async () => {
    await compliance.run((tx) =>
      compliance.parties.applyCutOver(tx, { importId: 'imp-9', kind: 'prices', chunk: 3, rows: [{}] }),
    );
    expect((await compliance.sent('compliance.cut-over-applied.v1')).at(-1)).toMatchObject({
      applied: 0,
      refused: [{ row: 0, code: 'NOT_HERE' }],
    });
  });

  it('are withdrawn with an import that nobody signed, and stay when it was signed', async () => {
    await compliance.registerParties([{ partyId: 'P-7', name: 'Karl Sommer' }], 'imp-2');
    await compliance.run((tx) => compliance.parties.rollBackCutOver(tx, 'imp-2'));
    expect((await all()).find(({ partyId }) => partyId === 'P-7')).toMatchObject({ status: 'WITHDRAWN', version: 2 });
    expect(await compliance.sent('compliance.cut-over-rolled-back.v1')).toEqual([{ importId: 'imp-2' }]);
    await compliance.registerParties([{ partyId: 'P-8', name: 'Late Chunk' }], 'imp-2');
    expect((await all()).map(({ partyId }) => partyId)).not.toContain('P-8');
    await compliance.run((tx) => compliance.parties.cutOverSigned(tx, 'imp-1'));
    await expect(compliance.run((tx) => compliance.parties.rollBackCutOver(tx, 'imp-1'))).rejects.toThrow(/signed/);
  });
});
