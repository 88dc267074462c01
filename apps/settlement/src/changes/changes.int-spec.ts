import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { InstructionDatesService } from '../instructions/instruction-dates.service.js';
import { goodLine, intakeForTests, seedStaticData } from '../trades/for-tests.js';
import { ChangesService, type PendingChange } from './changes.service.js';
import { ClosuresService } from './closures.service.js';

let database: TestDatabase;
let transactions: Transactions;
const parts = intakeForTests();
const closures = new ClosuresService(
  parts.calendars,
  parts.bookDays,
  parts.staticData,
  parts.tradeDates,
  new InstructionDatesService(parts.audit, parts.workItems),
);
const changes = new ChangesService(parts.staticData, parts.trades, closures, parts.outbox, parts.audit);

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T09:00:00Z' });
  transactions = database.transactions('settlement');
  await seedStaticData(transactions);
});
afterAll(() => database.drop());

const ssi = {
  counterpartyId: 'NGCP24',
  market: 'UK',
  placeId: 'CREST',
  agentBic: 'NGSADEFFXXX',
  safekeepingAccount: 'SAFE1',
  validFrom: '2026-11-25',
};
const price = { isin: 'DE0007164600', priceDate: '2026-11-25', price: '136.00', currency: 'EUR' };
const decide = (
  change: PendingChange,
  outcome: 'APPROVED' | 'REJECTED' | 'EXPIRED',
  decidedBy = 'checker',
  payloadHash = change.payloadHash,
) =>
  transactions.run((tx) =>
    changes.decided(tx, {
      approvalId: change.approvalId,
      kind: change.kind,
      service: 'settlement',
      objectKind: 'SSI',
      objectId: change.objectId,
      payloadHash,
      outcome,
      decidedBy,
      reason: 'checked',
    }),
  );
const now = async (change: PendingChange) => (await transactions.run((tx) => changes.find(tx, change.changeId)))!.state;
const trade = async (executionId: string) =>
  (
    await database
      .pool('owner')
      .query<{ state: string }>('SELECT state FROM settlement.trade WHERE execution_id = $1', [executionId])
  ).rows[0]?.state;

describe('a change of static data', () => {
  it('is applied as a new version when a second person approves it, and lets trades out of repair', async () => {
    await transactions.run((tx) =>
      parts.trades.capture(
        tx,
        [
          goodLine({
            executionId: 'C-1',
            counterparty: 'NGCP24',
            market: 'UK',
            place: 'CREST',
            isin: 'GB0002634946',
            currency: 'GBP',
          }),
        ],
        { fileId: null, capturedBy: 't' },
      ),
    );
    expect(await trade('C-1')).toBe('REPAIR');
    const { change } = await transactions.run((tx) =>
      changes.proposeSsiChange(tx, ssi, 'new custodian', null, 'maker'),
    );
    expect(change).toMatchObject({ state: 'PENDING', kind: 'SSI_CHANGE' });
    const { problems } = await transactions.run((tx) => changes.proposeSsiChange(tx, ssi, 'again', null, 'maker'));
    expect(problems).toMatchObject([{ code: 'CHANGE_PENDING' }]);
    await decide(change!, 'APPROVED');
    await decide(change!, 'APPROVED');
    expect(await now(change!)).toBe('APPLIED');
    expect(await trade('C-1')).toBe('ENRICHED');
    const versions = await database
      .pool('owner')
      .query(`SELECT source FROM settlement.ssi WHERE counterparty_id = 'NGCP24' AND market = 'UK'`);
    expect(versions.rows).toEqual([{ source: 'APPROVED_CHANGE' }]);
  });

  it('is refused when the payload changed after the approval was given', async () => {
    const { change } = await transactions.run((tx) =>
      changes.proposeSsiChange(
        tx,
        { ...ssi, counterpartyId: 'NGCP01', market: 'EU', placeId: 'T2S' },
        'moved',
        null,
        'maker',
      ),
    );
    const { change: changed } = await transactions.run((tx) =>
      changes.changeProposal(
        tx,
        change!.changeId,
        { ssi: { ...ssi, counterpartyId: 'NGCP01', market: 'EU', placeId: 'T2S', safekeepingAccount: 'SAFE2' } },
        'typing error',
        'maker',
      ),
    );
    expect(changed!.payloadHash).not.toBe(change!.payloadHash);
    await decide(change!, 'APPROVED', 'checker', change!.payloadHash);
    expect(await now(change!)).toBe('REFUSED');
    const { problems } = await transactions.run((tx) =>
      changes.changeProposal(tx, change!.changeId, { ssi }, 'late', 'maker'),
    );
    expect(problems).toMatchObject([{ code: 'CHANGE_DECIDED' }]);
  });

  it('is never applied by its maker', async () => {
    const { change } = await transactions.run((tx) =>
      changes.proposePriceOverride(tx, price, 'block trade', null, 'maker'),
    );
    await decide(change!, 'APPROVED', 'maker');
    expect(await now(change!)).toBe('REFUSED');
    await expect(
      database
        .pool('owner')
        .query(`UPDATE settlement.pending_change SET state = 'APPLIED', decided_by = 'maker' WHERE change_id = $1`, [
          change!.changeId,
        ]),
    ).rejects.toThrow();
  });

  it.each(['REJECTED', 'EXPIRED'] as const)('changes nothing when it is %s', async (outcome) => {
    const { change } = await transactions.run((tx) =>
      changes.proposePriceOverride(tx, price, 'block trade', null, 'maker'),
    );
    await decide(change!, outcome);
    expect(await now(change!)).toBe(outcome);
  });

  it('overrides a price for good: the vendor’s of the same day gives way', async () => {
    const { change } = await transactions.run((tx) =>
      changes.proposePriceOverride(tx, price, 'block trade', null, 'maker'),
    );
    await decide(change!, 'APPROVED');
    // Who values with it hears of it.
    const { rows: told } = await database
      .pool('owner')
      .query(
        `SELECT payload FROM messaging.message WHERE name = 'settlement.prices-versioned.v1' ORDER BY sequence DESC`,
      );
    expect((told[0] as { payload: unknown }).payload).toMatchObject({
      items: [
        { isin: price.isin, currency: 'EUR', value: '136', date: price.priceDate, source: 'OVERRIDE', state: 'KNOWN' },
      ],
    });
    await transactions.run((tx) =>
      parts.staticRepository.savePrices(tx, [{ ...price, price: '101', source: 'CLOSE' }], null),
    );
    const found = await transactions.run((tx) =>
      parts.staticData.pricesOf(tx, ['DE0007164600', 'GB0002634946'], '2026-12-02'),
    );
    expect(found.get('DE0007164600')).toMatchObject({ price: '136', source: 'OVERRIDE', isStale: true });
    expect(found.has('GB0002634946')).toBe(false);
  });

  it('names all faults of a proposal at once', async () => {
    const { problems } = await transactions.run((tx) =>
      changes.proposeSsiChange(
        tx,
        { ...ssi, counterpartyId: 'NOBODY', placeId: 'MOON', agentBic: 'X', market: 'XX' },
        'r',
        null,
        'maker',
      ),
    );
    expect(problems.map(({ code }) => code)).toEqual([
      'UNKNOWN_COUNTERPARTY',
      'UNKNOWN_PLACE',
      'INVALID_MARKET',
      'INVALID_BIC',
    ]);
  });
});

describe('static data on two time axes', () => {
  it('answers what was true on a day, as known at a moment', async () => {
    const rename = (name: string, validFrom: string) =>
      transactions.run((tx) =>
        parts.staticRepository.saveVersions(
          tx,
          'counterparty',
          [{ validFrom, counterpartyId: 'NGCP24', partyId: 'PNGCP24', name, bic: 'NGSADEFFXXX', kind: 'STREET' }],
          { source: 'T', originId: null },
        ),
      );
    await database.setClock('2026-11-25T10:00:00Z');
    await rename('New name', '2026-12-01');
    await database.setClock('2026-11-25T11:00:00Z');
    await rename('Corrected name', '2026-12-01');
    const ask = async (day: string, knownAt?: string) =>
      (
        await transactions.run((tx) =>
          parts.staticRepository.counterparties(tx, ['NGCP24'], knownAt ? { knownAt: new Date(knownAt) } : {}),
        )
      ).find((one) => one.validFrom <= day && (one.validTo === null || day < one.validTo))?.name;
    expect(await ask('2026-11-30')).toBe('NGCP24');
    expect(await ask('2026-12-01')).toBe('Corrected name');
    expect(await ask('2026-12-01', '2026-11-25T10:30:00Z')).toBe('New name');
    expect(await ask('2026-12-01', '2026-11-25T09:30:00Z')).toBe('NGCP24');
  });
});
