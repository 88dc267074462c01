import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approvalKinds } from '#libs/contracts/index.js';
import { complianceUnderTest, type ComplianceUnderTest } from '../testing/compliance-under-test.js';

const hash = 'a'.repeat(64);
const other = 'b'.repeat(64);

describe('approvals', () => {
  let compliance: ComplianceUnderTest;
  beforeAll(async () => {
    compliance = await complianceUnderTest('2026-11-25T08:00:00Z');
  });
  afterAll(() => compliance.database.drop());

  const request = (approvalId: string, expiresAt = '2026-11-25T18:00:00Z') =>
    compliance.run((tx) =>
      compliance.approvals.request(tx, {
        approvalId,
        kind: 'SSI_CHANGE',
        service: 'settlement',
        objectKind: 'Ssi',
        objectId: 'ssi-1',
        book: 'NGEU',
        payloadHash: hash,
        summary: 'another agent',
        requestedBy: 'anna',
        expiresAt,
      }),
    );
  const decide = (approvalId: string, by: string, payloadHash = hash, decision: 'APPROVE' | 'REJECT' = 'APPROVE') =>
    compliance.run((tx) => compliance.approvals.decide(tx, { approvalId, payloadHash, decision, reason: 'seen' }, by));
  const codes = async (answer: Promise<{ problems: readonly { code: string }[] }>) =>
    (await answer).problems.map(({ code }) => code);

  it('are asked for once, decided once by another, and announced with the hash they were decided on', async () => {
    await request('apr-1');
    await request('apr-1');
    expect(await codes(decide('apr-1', 'anna'))).toEqual(['OWN_APPROVAL']);
    expect(await codes(decide('apr-1', 'ben'))).toEqual([]);
    expect(await codes(decide('apr-1', 'carl'))).toEqual(['ALREADY_DECIDED']);
    expect(await compliance.sent('compliance.approval-decided.v1')).toMatchObject([
      { approvalId: 'apr-1', outcome: 'APPROVED', decidedBy: 'ben', payloadHash: hash },
    ]);
    const attempts = await compliance.run((tx) => compliance.approvalsRepository.attempts(tx, ['apr-1']));
    expect(attempts.map(({ attemptedBy, code }) => [attemptedBy, code])).toEqual([
      ['anna', 'OWN_APPROVAL'],
      ['carl', 'ALREADY_DECIDED'],
    ]);
  });

  it('are of every kind that the other services ask for: the table takes each', async () => {
    const { rows } = await compliance.database
      .pool('owner')
      .query<{ taken: string }>(
        `SELECT pg_get_constraintdef(oid) AS taken FROM pg_constraint WHERE conname = 'approval_kind_check'`,
      );
    const taken = [...(rows[0]?.taken ?? '').matchAll(/'([A-Z_]+)'/g)].map(([, kind]) => kind);
    expect(taken.sort()).toEqual([...approvalKinds].sort());
  });

  it('are not given for a payload that changed, nor by who changed it', async () => {
    await request('apr-2');
    await compliance.run((tx) =>
      compliance.approvals.changePayload(tx, {
        approvalId: 'apr-2',
        payloadHash: other,
        summary: 'yet another',
        changedBy: 'dora',
      }),
    );
    expect(await codes(decide('apr-2', 'ben'))).toEqual(['PAYLOAD_CHANGED']);
    expect(await codes(decide('apr-2', 'dora', other))).toEqual(['OWN_APPROVAL']);
    expect(await codes(decide('apr-2', 'ben', other, 'REJECT'))).toEqual([]);
  });

  it('expire by the business clock, when used and by the sweep', async () => {
    await request('apr-3', '2026-11-25T08:30:00Z');
    await request('apr-4', '2026-11-25T08:30:00Z');
    await compliance.database.setClock('2026-11-25T08:30:00Z');
    expect(await codes(decide('apr-3', 'ben'))).toEqual(['APPROVAL_EXPIRED']);
    await compliance.run((tx) => compliance.approvals.expire(tx));
    const states = await compliance.run((tx) => compliance.approvalsRepository.list(tx, { state: 'EXPIRED' }, 10));
    expect(states.map(({ approvalId }) => approvalId).sort()).toEqual(['apr-3', 'apr-4']);
    expect(
      (await compliance.sent('compliance.approval-decided.v1')).filter(({ outcome }) => outcome === 'EXPIRED'),
    ).toHaveLength(2);
  });

  it('are withdrawn by their maker alone', async () => {
    await request('apr-5');
    const withdraw = (by: string) =>
      compliance.run((tx) => compliance.approvals.withdraw(tx, 'apr-5', 'not needed', by));
    expect(await codes(withdraw('ben'))).toEqual(['NOT_THE_MAKER']);
    expect(await codes(withdraw('anna'))).toEqual([]);
    expect(await codes(decide('apr-5', 'ben'))).toEqual(['ALREADY_DECIDED']);
  });

  it('decided by two at once have one decision', async () => {
    await request('apr-6');
    const answers = await Promise.all([codes(decide('apr-6', 'ben')), codes(decide('apr-6', 'carl', hash, 'REJECT'))]);
    expect(answers.flat()).toEqual(['ALREADY_DECIDED']);
  });

  describe('attacked with raw SQL as the service', () => {
    beforeAll(() => request('apr-9', '2026-11-25T09:00:00Z'));
    const attack = (sql: string) => compliance.run((tx) => tx.execute(sql));
    const approve = (by: string, more = '') =>
      `UPDATE compliance.approval SET state = 'APPROVED', decided_by = '${by}', decided_at = kernel.now()${more} WHERE approval_id = 'apr-9'`;

    it.each([
      ['by the maker', approve('anna'), /never_decided_by_its_maker/],
      [
        'with another maker',
        `UPDATE compliance.approval SET requested_by = 'zoe' WHERE approval_id = 'apr-9'`,
        /permission denied/,
      ],
      [
        'later expiry',
        `UPDATE compliance.approval SET expires_at = now() WHERE approval_id = 'apr-9'`,
        /permission denied/,
      ],
      [
        'by nobody',
        `UPDATE compliance.approval SET state = 'APPROVED', decided_at = kernel.now() WHERE approval_id = 'apr-9'`,
        /decided_by_somebody/,
      ],
      ['on another payload', approve('ben', `, payload_hash = '${other}'`), /decided on the payload it had/],
      [
        'a decided one',
        `UPDATE compliance.approval SET state = 'OPEN', decided_by = NULL, decided_at = NULL WHERE approval_id = 'apr-1'`,
        /is APPROVED/,
      ],
      ['deleted', `DELETE FROM compliance.approval`, /permission denied/],
      [
        'born approved',
        `INSERT INTO compliance.approval (approval_id, kind, service, object_kind, object_id, book_id, payload_hash, summary, requested_by, business_date, expires_at, state, decided_by, decided_at)
         VALUES ('apr-x', 'SSI_CHANGE', 'settlement', 'Ssi', 'x', 'NGEU', '${hash}', 's', 'anna', '2026-11-25', '2027-01-01', 'APPROVED', 'ben', now())`,
        /starts open/,
      ],
      ['attempts erased', 'DELETE FROM compliance.approval_attempt', /permission denied/],
    ])('%s', async (_, sql, refusal) => {
      await expect(attack(sql)).rejects.toThrow(refusal);
    });

    it('by who changed it', async () => {
      await compliance.run((tx) =>
        compliance.approvals.changePayload(tx, {
          approvalId: 'apr-9',
          payloadHash: other,
          summary: 's',
          changedBy: 'dora',
        }),
      );
      await expect(attack(approve('dora'))).rejects.toThrow(/never_decided_by_who_changed_it/);
      await expect(
        attack(`UPDATE compliance.approval SET changed_by = '{}' WHERE approval_id = 'apr-9'`),
      ).rejects.toThrow(/not forgotten/);
    });

    it('after it expired', async () => {
      await compliance.database.setClock('2026-11-25T09:00:00Z');
      await expect(attack(approve('ben'))).rejects.toThrow(/has expired/);
    });
  });
});
