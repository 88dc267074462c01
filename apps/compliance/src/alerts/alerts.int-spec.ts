import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { principalOf } from '#libs/auth/index.js';
import { PlantedBreaches } from '#libs/testing/index.js';
import { complianceInvariants } from '../compliance.invariants.js';
import { complianceUnderTest, type ComplianceUnderTest } from '../testing/compliance-under-test.js';

const line = (id: number, name: string) =>
  `${id},"${name}",individual,"SAMPLE",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- `;
const maker = principalOf('demo-compliance', 'PERSON', ['compliance'], ['*']);
const checker = principalOf('demo-compliance-approver', 'PERSON', ['compliance-approver'], ['*']);
const controller = principalOf('demo-controller', 'PERSON', ['controller'], ['*']);

describe('alerts', () => {
  let compliance: ComplianceUnderTest;
  beforeAll(async () => {
    compliance = await complianceUnderTest();
    await compliance.load({ content: `${line(1, 'VOLKONIN, Arkady')}\r\n${line(2, 'ILYUSHKIN, Tomas')}` });
  });
  afterAll(() => compliance.database.drop());

  const alertOf = async (objectId: string) =>
    (await compliance.run((tx) => compliance.alertsRepository.list(tx, { objectId }, 1)))[0]!;
  const items = () =>
    compliance.run((tx) =>
      tx.rows<{ reference: string; state: string; reason: string | null }>(
        `SELECT reference, state, close_reason AS reason FROM compliance.work_item WHERE category = 'HELD' ORDER BY 1`,
      ),
    );
  const planted = new PlantedBreaches(complianceInvariants);
  const invariants = async () => {
    const broken = [];
    for (const invariant of complianceInvariants) {
      const result = await invariant.check(
        async (sql, parameters) => (await compliance.database.pool('verify').query(sql, parameters)).rows as never,
      );
      planted.noticed(invariant, result.broken);
      broken.push(...result.broken);
    }
    return broken;
  };

  it('of a payment is released by a second person of compliance, never by its maker or anyone else', async () => {
    await compliance.screenNames('batch-1', { 'pay-1': 'Arkady Volkonin' });
    const { alertId } = await alertOf('pay-1');
    const proposed = await compliance.run((tx) =>
      compliance.alerts.proposeRelease(tx, alertId, 'another date of birth', maker),
    );
    expect(proposed.approval).toMatchObject({
      kind: 'PAYMENT_RELEASE',
      state: 'OPEN',
      requestedBy: 'demo-compliance',
      book: 'NGEU',
    });
    const again = await compliance.run((tx) => compliance.alerts.proposeRelease(tx, alertId, 'again', maker));
    expect(again.problems.map(({ code }) => code)).toEqual(['RELEASE_ALREADY_PROPOSED']);

    const { approvalId, payloadHash } = proposed.approval!;
    const decide = (by: typeof maker, hash = payloadHash) =>
      compliance.run((tx) =>
        compliance.decisions.decide(tx, { approvalId, payloadHash: hash, decision: 'APPROVE', reason: 'checked' }, by),
      );
    expect((await decide({ ...maker, scopes: checker.scopes })).problems.map(({ code }) => code)).toEqual([
      'OWN_APPROVAL',
    ]);
    expect((await decide(controller)).problems.map(({ code }) => code)).toEqual(['NOT_YOURS_TO_DECIDE']);
    expect((await decide(checker, 'f'.repeat(64))).problems.map(({ code }) => code)).toEqual(['PAYLOAD_CHANGED']);
    expect((await alertOf('pay-1')).state).toBe('OPEN');

    expect((await decide(checker)).problems).toEqual([]);
    expect(await alertOf('pay-1')).toMatchObject({ state: 'RELEASED', decidedBy: 'demo-compliance-approver' });
    expect(await compliance.sent('compliance.hold-decided.v1')).toEqual([
      {
        alertId,
        objectKind: 'PAYMENT',
        objectId: 'pay-1',
        decision: 'RELEASED',
        decidedBy: 'demo-compliance-approver',
      },
    ]);
    expect(await items()).toEqual([{ reference: 'ref-pay-1', state: 'CLOSED', reason: 'released: checked' }]);
    expect((await decide(checker)).problems.map(({ code }) => code)).toEqual(['ALREADY_DECIDED']);
    expect(await invariants()).toEqual([]);
  });

  it('stays open when the release is rejected', async () => {
    await compliance.screenNames('batch-2', { 'pay-2': 'Tomas Ilyushkin' }, 'TRADE');
    const { alertId } = await alertOf('pay-2');
    const { approval } = await compliance.run((tx) => compliance.alerts.proposeRelease(tx, alertId, 'not him', maker));
    expect(approval?.kind).toBe('HOLD_RELEASE');
    await compliance.run((tx) =>
      compliance.decisions.decide(
        tx,
        {
          approvalId: approval!.approvalId,
          payloadHash: approval!.payloadHash,
          decision: 'REJECT',
          reason: 'it is him',
        },
        checker,
      ),
    );
    expect((await alertOf('pay-2')).state).toBe('OPEN');
    await compliance.run((tx) => compliance.alerts.confirmHit(tx, alertId, 'it is him', maker));
    expect((await alertOf('pay-2')).state).toBe('CONFIRMED');
    expect((await compliance.sent('compliance.hold-decided.v1')).at(-1)).toMatchObject({
      objectId: 'pay-2',
      decision: 'CONFIRMED',
    });
    expect(await invariants()).toEqual([]);
  });

  it('of a party leaves the work to what settlement stopped, or takes it itself when nothing was', async () => {
    await compliance.registerParties([
      { partyId: 'C-1', name: 'Arkady Volkonin' },
      { partyId: 'C-2', name: 'Tomas Ilyushkin' },
    ]);
    const [first, second] = await compliance.sent('compliance.party-held.v1');
    expect([first!.partyId, second!.partyId].sort()).toEqual(['C-1', 'C-2']);
    const held = new Map([first!, second!].map((message) => [message.partyId, message.alertId]));
    const stopped = (n: number) => ({
      objectKind: 'INSTRUCTION' as const,
      objectId: `ins-${n}`,
      reference: `E-${n}`,
      book: 'NGEU',
      wasSent: n === 2,
    });
    const answer = { partyId: 'C-1', alertId: held.get('C-1')!, objects: [stopped(1), stopped(2)] };
    await compliance.run((tx) => compliance.alerts.partyHoldApplied(tx, answer));
    await compliance.run((tx) => compliance.alerts.partyHoldApplied(tx, answer));
    await compliance.run((tx) =>
      compliance.alerts.partyHoldApplied(tx, { partyId: 'C-2', alertId: held.get('C-2')!, objects: [] }),
    );
    const open = (await items()).filter(({ state }) => state === 'OPEN').map(({ reference }) => reference);
    expect(open).toEqual(['C-2', 'E-1', 'E-2']);
    expect(await invariants()).toEqual([]);
  });

  it('of a party comes back to somebody once everything stopped for it is decided', async () => {
    for (const objectId of ['ins-1', 'ins-2']) {
      const { alertId } = await alertOf(objectId);
      await compliance.run((tx) => compliance.alerts.confirmHit(tx, alertId, 'it is him', maker));
    }
    expect((await items()).filter(({ state }) => state === 'OPEN').map(({ reference }) => reference)).toEqual([
      'C-1',
      'C-2',
    ]);
    expect(await invariants()).toEqual([]);
  });

  it('of a party, released, frees the party and is remembered until either side changes', async () => {
    const { alertId } = await alertOf('C-2');
    const { approval } = await compliance.run((tx) =>
      compliance.alerts.proposeRelease(tx, alertId, 'same name only', maker),
    );
    const { approvalId, payloadHash } = approval!;
    await compliance.run((tx) =>
      compliance.decisions.decide(tx, { approvalId, payloadHash, decision: 'APPROVE', reason: 'agreed' }, checker),
    );
    const screen = async (objectId: string) => {
      const [screened] = await compliance.run((tx) =>
        compliance.screening.screenObjects(
          tx,
          [
            {
              objectKind: 'TRADE',
              objectId,
              reference: objectId,
              book: 'NGEU',
              names: [{ role: 'CLIENT', partyId: 'C-2' }],
            },
          ],
          objectId,
        ),
      );
      return screened!.outcome;
    };
    expect(await screen('after-release')).toBe('CLEAR');
    await compliance.registerParties([{ partyId: 'C-2', name: 'Tomas A. Ilyushkin' }], 'imp-2');
    expect(await screen('after-change')).toBe('HIT');
  });

  describe('attacked with raw SQL as the service', () => {
    const released = (by: string) =>
      `state = 'RELEASED', decided_at = now(), decided_on = now(), decided_by = '${by}', decision_reason = 'x'`;
    beforeAll(() => compliance.screenNames('batch-8', { 'pay-8': 'Arkady Volkonin' }));

    it.each([
      [
        'released by nobody’s approval',
        `UPDATE compliance.alert SET ${released('demo-compliance-approver')} WHERE object_id = 'pay-8'`,
        /without the approval/,
      ],
      [
        'released by its maker, while an approval waits',
        `UPDATE compliance.alert SET ${released('demo-compliance')} WHERE object_id = 'pay-8'`,
        /without the approval/,
      ],
      [
        'decided without a name',
        `UPDATE compliance.alert SET state = 'CONFIRMED', decided_at = now() WHERE object_id = 'pay-8'`,
        /decided_with_reason/,
      ],
      [
        'opened again',
        `UPDATE compliance.alert SET state = 'OPEN', decided_at = NULL, decided_on = NULL, decided_by = NULL, decision_reason = NULL WHERE object_id = 'pay-1'`,
        /is decided/,
      ],
      [
        'another reason for a decision',
        `UPDATE compliance.alert SET decision_reason = 'better' WHERE object_id = 'pay-1'`,
        /is decided/,
      ],
      ['a lower score', `UPDATE compliance.alert SET score = 0 WHERE object_id = 'pay-8'`, /permission denied/],
      [
        'born released',
        `INSERT INTO compliance.alert (alert_id, object_kind, object_id, reference, book_id, screening_id, list_version_id, score, reason_code, work, business_date, due_at, state, decided_at, decided_on, decided_by, decision_reason)
         SELECT 'alt_x', object_kind, 'pay-x', 'x', book_id, screening_id, list_version_id, score, reason_code, work, business_date, due_at, 'RELEASED', now(), now(), 'x', 'x' FROM compliance.alert LIMIT 1`,
        /starts open/,
      ],
      [
        'a second open one of the same object',
        `INSERT INTO compliance.alert (alert_id, object_kind, object_id, reference, book_id, screening_id, list_version_id, score, reason_code, work, business_date, due_at)
         SELECT 'alt_y', object_kind, object_id, 'x', book_id, screening_id, list_version_id, score, reason_code, work, business_date, due_at FROM compliance.alert WHERE object_id = 'pay-8'`,
        /one_open_alert_per_object/,
      ],
    ])('%s', async (_, sql, refusal) => {
      const { alertId } = await alertOf('pay-8');
      await compliance.run((tx) => compliance.alerts.proposeRelease(tx, alertId, 'not him', maker));
      await expect(compliance.run((tx) => tx.execute(sql))).rejects.toThrow(refusal);
    });
  });

  it('of an object and of a party: a breach of an invariant is found', async () => {
    await compliance
      .run((tx) => compliance.alerts.partyHoldApplied(tx, { partyId: 'C-2', alertId: 'none', objects: [] }))
      .catch(() => undefined);
    await compliance.screenNames('batch-9', { 'pay-9': 'Arkady Volkonin' });
    expect((await invariants()).filter(({ where }) => where.startsWith('alert') || where.startsWith('work'))).toEqual(
      [],
    );
    const owner = compliance.database.pool('owner');
    await owner.query('ALTER TABLE compliance.work_item DISABLE TRIGGER has_its_history');
    await owner.query(
      `UPDATE compliance.work_item SET state = 'CLOSED', closed_at = now(), closed_by = 'x', close_reason = 'x' WHERE reference = 'ref-pay-9'`,
    );
    expect((await invariants()).map(({ detail }) => detail)).toContain('PAYMENT ref-pay-9 has no open work item');

    await owner.query('ALTER TABLE compliance.alert DISABLE TRIGGER decided_once');
    await owner.query(
      `UPDATE compliance.alert SET state = 'RELEASED', decided_at = now(), decided_on = now(), decided_by = 'x', decision_reason = 'x' WHERE object_id = 'ins-1'`,
    );
    expect((await invariants()).map(({ detail }) => detail)).toContain(
      'INSTRUCTION E-1 was released without an approval',
    );

    await owner.query(`DELETE FROM compliance.alert WHERE object_id = 'pay-9'`);
    expect((await invariants()).map(({ detail }) => detail)).toContain('PAYMENT ref-pay-9 was hit and has no alert');

    await owner.query('ALTER TABLE compliance.approval DISABLE TRIGGER keeps_its_maker');
    await owner.query('ALTER TABLE compliance.approval DROP CONSTRAINT never_decided_by_its_maker');
    await owner.query(`UPDATE compliance.approval SET decided_by = requested_by WHERE state = 'APPROVED'`);
    expect((await invariants()).some(({ detail }) => detail.includes('who made or changed it'))).toBe(true);
    expect(planted.neverBroken()).toEqual([]);
  });
});
