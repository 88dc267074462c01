import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sealText } from '#libs/messaging/index.js';
import { complianceUnderTest, type ComplianceUnderTest } from '../testing/compliance-under-test.js';
import { NoListInForce } from './screening.service.js';

const line = (id: number, name: string) =>
  `${id},"${name}",individual,"SAMPLE",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- `;

describe('screening of objects', () => {
  let compliance: ComplianceUnderTest;
  const openItems = () =>
    compliance.run((tx) =>
      tx.rows<{ reference: string }>(`SELECT reference FROM compliance.work_item WHERE state = 'OPEN' ORDER BY 1`),
    );

  beforeAll(async () => {
    compliance = await complianceUnderTest();
  });
  afterAll(() => compliance.database.drop());

  it('waits while no list is in force: nothing is cleared against nothing', async () => {
    await expect(compliance.screenNames('batch-0', { 'pay-0': 'Anna Becker' })).rejects.toThrow(NoListInForce);
    expect(await compliance.sent('compliance.screening-completed.v1')).toEqual([]);
  });

  it('stores every screening, holds the hits and opens an alert and a work item for each', async () => {
    const listVersionId = await compliance.load({
      content: `${line(1, 'VOLKONIN, Arkady')}\r\n${line(2, 'ILYUSHKIN, Tomas')}`,
    });
    await compliance.screenNames('batch-1', {
      'pay-1': 'Arkadij Volkonin',
      'pay-2': 'Anna Becker',
      'pay-3': 'Milan Volkonin',
      'pay-4': 'Tomas Iljuschkin',
    });
    const [answer] = await compliance.sent('compliance.screening-completed.v1');
    expect(answer!.items.map(({ objectId, outcome }) => [objectId, outcome])).toEqual([
      ['pay-1', 'HIT'],
      ['pay-2', 'CLEAR'],
      ['pay-3', 'CLEAR'],
      ['pay-4', 'HIT'],
    ]);
    for (const item of answer!.items) {
      expect(item.listVersionId).toBe(listVersionId);
      expect(item.alertId !== undefined).toBe(item.outcome === 'HIT');
    }
    expect((await openItems()).map(({ reference }) => reference)).toEqual(['ref-pay-1', 'ref-pay-4']);
    const [near] = await compliance.run((tx) => compliance.screeningRepository.ofObjects(tx, 'PAYMENT', ['pay-3']));
    expect(near).toMatchObject({ outcome: 'CLEAR', listVersionIds: [listVersionId], explanation: { scope: 'ALL' } });
    const { due } = (await compliance.run((tx) =>
      tx.row<{ due: Date }>(`SELECT min(due_at) AS due FROM compliance.work_item`),
    ))!;
    expect(due.toISOString()).toBe('2026-11-26T11:00:00.000Z');
  });

  it('keeps names only sealed, and replays to the same score', async () => {
    const stored = await compliance.run((tx) =>
      compliance.screeningRepository.ofObjects(tx, 'PAYMENT', ['pay-1', 'pay-2', 'pay-3', 'pay-4']),
    );
    expect(stored.some(({ sealedNames }) => /becker|volkonin/i.test(sealedNames))).toBe(false);
    await compliance.load({ name: 'later', content: line(9, 'SOMEBODY, Else') });
    for (const screening of stored) {
      await compliance.run(async (tx) => {
        expect(await compliance.screening.replay(tx, screening)).toEqual({ score: screening.score, isSame: true });
      });
    }
    await expect(compliance.run((tx) => tx.execute('UPDATE compliance.screening SET score = 0'))).rejects.toThrow(
      /permission denied/,
    );
    await expect(compliance.database.pool('owner').query('UPDATE compliance.screening SET score = 0')).rejects.toThrow(
      /never changed/,
    );
  });

  it('gives a held party to everything of it, and stops who is not known', async () => {
    await compliance.registerParties([
      { partyId: 'P-9', name: 'Else Somebody' },
      { partyId: 'P-8', name: 'Anna Becker' },
    ]);
    const object = (objectId: string, partyId: string, sealedName?: string) => ({
      objectKind: 'TRADE' as const,
      objectId,
      reference: objectId,
      book: 'NGUS',
      names: [{ role: 'COUNTERPARTY' as const, partyId, sealedName }],
    });
    await compliance.run((tx) =>
      compliance.screeningProcessor.screenObjects(tx, {
        batchId: 'batch-2',
        items: [
          object('trd-held', 'P-9'),
          object('trd-clear', 'P-8'),
          object('trd-unknown', 'P-nobody'),
          object('trd-new', 'P-new', sealText('Karl Sommer')),
          object('trd-alias', 'P-8', sealText('Somebody Else')),
        ],
      }),
    );
    const answer = (await compliance.sent('compliance.screening-completed.v1')).at(-1)!;
    expect(answer.items.map(({ objectId, outcome }) => [objectId, outcome])).toEqual([
      ['trd-held', 'HIT'],
      ['trd-clear', 'CLEAR'],
      ['trd-unknown', 'HIT'],
      ['trd-new', 'CLEAR'],
      ['trd-alias', 'HIT'],
    ]);
    const alerts = await compliance.run((tx) => compliance.alertsRepository.list(tx, { objectKind: 'TRADE' }, 10));
    expect(Object.fromEntries(alerts.map(({ objectId, reasonCode }) => [objectId, reasonCode]))).toEqual({
      'trd-held': 'PARTY_HELD',
      'trd-unknown': 'PARTY_UNKNOWN',
      'trd-alias': 'NAME_MATCH',
    });
  });

  it('shows a book only to those who may see it', async () => {
    const alerts = await compliance.transactions.run((tx) => compliance.alertsRepository.list(tx, {}, 50), {
      books: ['NGUS'],
    });
    expect(new Set(alerts.map(({ book }) => book))).toEqual(new Set(['NGUS']));
  });

  it('takes 500 objects in one pass', async () => {
    const names = Object.fromEntries(
      Array.from({ length: 500 }, (_, n) => [`bulk-${n}`, n === 250 ? 'Else Somebody' : `Person Number${n}`]),
    );
    const started = Date.now();
    await compliance.screenNames('batch-3', names);
    expect(Date.now() - started).toBeLessThan(10_000);
    const answer = (await compliance.sent('compliance.screening-completed.v1')).at(-1)!;
    expect(answer.items.filter(({ outcome }) => outcome === 'HIT').map(({ objectId }) => objectId)).toEqual([
      'bulk-250',
    ]);
  });
});
