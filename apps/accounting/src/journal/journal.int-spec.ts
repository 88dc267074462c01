import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Tx } from '#libs/database/index.js';
import { ApprovalsProcessor } from '../accounts/approvals.processor.js';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { AssetsProcessor } from '../assets/assets.processor.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { PostingProcessor } from './posting.processor.js';

let service: ServiceUnderTest;
const isin = 'DE0007164600';
beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    await service.app.get(AssetsProcessor, { strict: false }).register(tx, {
      items: [
        { asset: 'EUR', kind: 'CURRENCY', scale: 2, name: 'Euro' },
        { asset: isin, kind: 'INSTRUMENT', scale: 0, name: 'A share' },
      ],
    });
    await service.app
      .get(AccountsRepository, { strict: false })
      .open(tx, [
        accountOf('A-CASH', 'CLIENT_CASH', { partyId: 'P1' }),
        accountOf('B-CASH', 'CLIENT_CASH', { partyId: 'P2' }),
        accountOf('A-SAFE', 'CLIENT_CUSTODY', { partyId: 'P1' }),
        accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
        accountOf('DEPOT-T2S', 'DEPOT'),
        accountOf('SUSPENSE', 'SUSPENSE'),
      ]);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', '2026-11-25', 'OPEN', '2026-11-26')`,
    );
  });
});
afterAll(async () => {
  await service.stop();
});

interface Booked {
  entry: { id: string; postings: { accountNumber: string; side: string; amount: string }[] } | null;
  replayed: boolean;
}
const selection = 'entry { id postings { accountNumber side amount } } replayed';
const transfer = (key: string, from: string, to: string, amount: string, more: object = {}) =>
  service.mutate<Booked>(
    'postTransfer',
    'PostTransferInput',
    {
      book: 'NGEU',
      debitAccount: from,
      creditAccount: to,
      amount: { amount, currency: 'EUR' },
      description: 'x',
      idempotencyKey: key,
      ...more,
    },
    selection,
  );
const codes = (answer: { problems: { code: string; path: string | null }[] }) =>
  answer.problems.map(({ code, path }) => `${code} ${path ?? ''}`.trim());
const controlled = { role: 'controller' as const };

describe('booking through the API', () => {
  it('deposits, withdraws and transfers, each once per key', async () => {
    const input = {
      book: 'NGEU',
      account: 'A-CASH',
      amount: { amount: '100.00', currency: 'EUR' },
      description: 'cash',
      idempotencyKey: 'dep',
    };
    const first = await service.mutate<Booked>('postDeposit', 'PostDepositInput', input, selection);
    expect(first.entry?.postings).toEqual([
      { accountNumber: 'NOSTRO-EUR', side: 'DEBIT', amount: '100.00' },
      { accountNumber: 'A-CASH', side: 'CREDIT', amount: '100.00' },
    ]);
    const again = await service.mutate<Booked>('postDeposit', 'PostDepositInput', input, selection);
    expect(again).toMatchObject({ replayed: true, entry: { id: first.entry!.id } });
    expect(
      codes(
        await service.mutate<Booked>(
          'postDeposit',
          'PostDepositInput',
          { ...input, amount: { amount: '100.01', currency: 'EUR' } },
          selection,
        ),
      ),
    ).toEqual(['IDEMPOTENCY_KEY_REUSED amount.amount']);
    expect(codes(await transfer('t-1', 'A-CASH', 'B-CASH', '30.00'))).toEqual([]);
    expect(codes(await transfer('t-2', 'A-CASH', 'B-CASH', '70.01'))).toEqual(['INSUFFICIENT_FUNDS amount.amount']);
    expect(
      codes(
        await service.mutate(
          'postWithdrawal',
          'PostWithdrawalInput',
          { ...input, amount: { amount: '20.00', currency: 'EUR' }, idempotencyKey: 'wd' },
          selection,
        ),
      ),
    ).toEqual([]);
    const { data } = await service.ask(
      '{ balance(book: "NGEU", account: "A-CASH", asset: "EUR") { balance available } }',
    );
    expect(data?.balance).toEqual({ balance: '50.00', available: '50.00' });
  });

  it('tells every fault of the input, and remembers none', async () => {
    expect(codes(await transfer('fault', 'A-CASH', 'B-CASH', '1.005'))).toEqual(['EXCESS_SCALE amount.amount']);
    expect(codes(await transfer('fault', 'A-CASH', 'B-CASH', '-1.00'))).toEqual(['AMOUNT_NOT_POSITIVE amount.amount']);
    expect(codes(await transfer('fault', 'A-CASH', 'B-CASH', '1.00'))).toEqual([]);
  });

  it('validates without booking', async () => {
    const before = await service.ask('{ ledgerSummary { entries postings sums } }');
    const line = (account: string, side: string, amount: string) => ({ account, asset: 'EUR', side, amount });
    const post = (validateOnly: boolean, credit: string) =>
      service.mutate<Booked>(
        'postEntry',
        'PostEntryInput',
        {
          book: 'NGEU',
          kind: 'FEE',
          description: 'fee',
          validateOnly,
          idempotencyKey: 'entry-1',
          postings: [line('A-CASH', 'DEBIT', '2.00'), line('SUSPENSE', 'CREDIT', credit)],
        },
        selection,
      );
    expect(codes(await post(true, '3.00'))).toEqual(['NOT_BALANCED postings']);
    expect(codes(await post(true, '2.00'))).toEqual([]);
    expect(await service.ask('{ ledgerSummary { entries postings sums } }')).toEqual(before);
    expect((await post(false, '2.00')).entry).not.toBeNull();
    const after = await service.ask('{ ledgerSummary { sums } }');
    expect(after.data?.ledgerSummary).toEqual({ sums: { EUR: '0' } });
  });

  it('places, captures and releases a hold', async () => {
    const fields = 'hold { id state open captured released } entry { id }';
    type Held = {
      hold: { id: string; state: string; open: string; captured: string; released: string } | null;
      entry: { id: string } | null;
    };
    const placed = await service.mutate<Held>(
      'placeHold',
      'PlaceHoldInput',
      {
        book: 'NGEU',
        debitAccount: 'A-CASH',
        creditAccount: 'SUSPENSE',
        asset: 'EUR',
        amount: '10.00',
        expiresAt: '2026-12-01T00:00:00Z',
        reason: 'card',
        idempotencyKey: 'hold',
      },
      fields,
    );
    const holdId = placed.hold!.id;
    expect(placed.hold).toMatchObject({ state: 'OPEN', open: '10.00' });
    const captured = await service.mutate<Held>(
      'captureHold',
      'CaptureHoldInput',
      { holdId, amount: '4.00', description: 'card', idempotencyKey: 'cap' },
      fields,
    );
    expect(captured).toMatchObject({ hold: { open: '6.00', captured: '4.00' }, entry: {} });
    const released = await service.mutate<Held>(
      'releaseHold',
      'ReleaseHoldInput',
      { holdId, idempotencyKey: 'rel' },
      fields,
    );
    expect(released.hold).toMatchObject({ state: 'CLOSED', open: '0.00', released: '6.00' });
    expect(
      codes(
        await service.mutate<Held>(
          'captureHold',
          'CaptureHoldInput',
          { holdId, amount: '1.00', description: 'card', idempotencyKey: 'cap2' },
          fields,
        ),
      ),
    ).toEqual(['HOLD_CLOSED holdId']);
  });

  it('shows a caller only the books that are his', async () => {
    const { data } = await service.ask(
      '{ accounts(first: 5) { edges { node { number } } } ledgerSummary { entries } }',
      {},
      { books: ['NGUS'] },
    );
    expect(data).toEqual({ accounts: { edges: [] }, ledgerSummary: { entries: 0 } });
    expect(
      codes(
        await service.mutate(
          'postTransfer',
          'PostTransferInput',
          {
            book: 'NGEU',
            debitAccount: 'A-CASH',
            creditAccount: 'B-CASH',
            amount: { amount: '1.00', currency: 'EUR' },
            description: 'x',
            idempotencyKey: 'other',
          },
          selection,
          { books: ['NGUS'] },
        ),
      ),
    ).toEqual(['PERIOD_NOT_OPEN book']);
  });
});

describe('reading', () => {
  it('reads entries with their accounts and balances in a handful of statements', async () => {
    const spy = jest.spyOn(Tx.prototype, 'rows');
    const { data, errors } = await service.ask(
      `{ journalEntries(first: 20) { edges { node { id reverses { id } postings { amount account { number party { id } limits { overdraftLimit } balances { asset balance } } } } } } }`,
    );
    // Beside them the process looks for waiting phases and messages all the time.
    const statements = spy.mock.calls.map(([sql]) => sql).filter((sql) => !/phase_run|messaging\./.test(sql));
    spy.mockRestore();
    expect(errors).toBeUndefined();
    expect((data?.journalEntries as { edges: object[] }).edges.length).toBeGreaterThan(4);
    // entries, postings, accounts, limits, balances
    expect(statements).toHaveLength(5);
  });

  it('answers as a federated entity: a party has its accounts', async () => {
    const first = await service.ask('{ journalEntries(first: 1) { edges { node { id } } } }');
    const entryId = (first.data?.journalEntries as { edges: { node: { id: string } }[] }).edges[0]!.node.id;
    const { data } = await service.ask(
      'query($r: [_Any!]!) { _entities(representations: $r) { ... on Party { accounts { number } } ... on Account { id balance(asset: "EUR") { balance } } ... on JournalEntry { id postings { n } } } }',
      {
        r: [
          { __typename: 'Party', id: 'P1' },
          { __typename: 'Party', id: 'P2' },
          { __typename: 'Account', id: 'NGEU/B-CASH' },
          { __typename: 'JournalEntry', id: entryId },
        ],
      },
    );
    expect(data?._entities).toEqual([
      { accounts: [{ number: 'A-CASH' }, { number: 'A-SAFE' }] },
      { accounts: [{ number: 'B-CASH' }] },
      { id: 'NGEU/B-CASH', balance: { balance: '31.00' } },
      { id: entryId, postings: [{ n: 1 }, { n: 2 }] },
    ]);
  });

  it('pages without a gap, bound to the filter', async () => {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const answer = await service.ask(
        'query($after: String) { journalEntries(first: 2, after: $after) { edges { node { id } } pageInfo { endCursor hasNextPage } } }',
        { after },
      );
      const page = answer.data?.journalEntries as {
        edges: { node: { id: string } }[];
        pageInfo: { endCursor: string; hasNextPage: boolean };
      };
      seen.push(...page.edges.map(({ node }) => node.id));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after);
    expect(new Set(seen).size).toBe(seen.length);
    const { data } = await service.ask('{ ledgerSummary { entries } }');
    expect(seen).toHaveLength((data?.ledgerSummary as { entries: number }).entries);
  });
});

describe('settlement asks', () => {
  it('answers a command with one outcome per item, in the transaction of the entries', async () => {
    const delivery = {
      messageId: 'm',
      sequence: '1',
      name: 'accounting.post-entries.v1',
      producer: 'settlement',
      attempt: 1,
      addedAt: new Date(),
    };
    const item = (key: string, forced: boolean, amount: string) => ({
      key,
      kind: 'TRADE_SETTLEMENT' as const,
      book: 'NGEU',
      businessDate: '2026-11-25',
      valueDate: '2026-11-25',
      description: 'trade',
      subject: { kind: 'INSTRUCTION', id: `ins_${key}` },
      ...(forced ? { forced: { reason: 'sese.025' } } : {}),
      postings: [
        { account: 'A-CASH', asset: 'EUR', side: 'DEBIT' as const, units: amount },
        { account: 'NOSTRO-EUR', asset: 'EUR', side: 'CREDIT' as const, units: amount },
        { account: 'DEPOT-T2S', asset: isin, side: 'DEBIT' as const, units: '5' },
        { account: 'A-SAFE', asset: isin, side: 'CREDIT' as const, units: '5' },
      ],
    });
    await service.run((tx) =>
      service.app.get(PostingProcessor, { strict: false }).postEntries(
        tx,
        {
          batchId: 'bat_1',
          items: [item('s-1', false, '100'), item('s-2', false, '99999999'), item('s-3', true, '99999999')],
        },
        delivery,
      ),
    );
    const [answer] = await service.messages('accounting.entries-decided.v1');
    const items = answer?.items as { outcome: string; code?: string; subject: { id: string }; entryId?: string }[];
    expect(items.map(({ outcome, code, subject }) => [outcome, code, subject.id])).toEqual([
      ['POSTED', undefined, 'ins_s-1'],
      ['REFUSED', 'INSUFFICIENT_FUNDS', 'ins_s-2'],
      ['POSTED', undefined, 'ins_s-3'],
    ]);
    const { data } = await service.ask(
      '{ accountingWorkItems(first: 10) { edges { node { kind reference valueAtRisk { amount currency } dueAt ownerTeam } } } }',
    );
    expect((data?.accountingWorkItems as { edges: object[] }).edges).toEqual([
      { node: expect.objectContaining({ kind: 'FORCED_EXCESS', reference: 'A-CASH', ownerTeam: 'operations' }) },
    ]);
    const leaves = await service.run((tx) => tx.rows(`SELECT 1 FROM accounting.audit_leaf WHERE object_id = 'bat_1'`));
    expect(leaves).toHaveLength(1);
  });
});

describe('with a second person', () => {
  const decide = (
    approvalId: string,
    kind: 'LIMIT_CHANGE' | 'MANUAL_REVERSAL',
    payloadHash: string,
    outcome: 'APPROVED' | 'REJECTED' = 'APPROVED',
  ) =>
    service.run((tx) =>
      service.app.get(ApprovalsProcessor, { strict: false }).decided(tx, {
        approvalId,
        kind,
        payloadHash,
        outcome,
        service: 'accounting',
        objectKind: 'X',
        objectId: 'xyz',
        decidedBy: 'person:second',
        reason: 'checked',
      }),
    );
  type Change = { change: { approvalId: string; payloadHash: string; state: string } | null };
  const propose = (key: string, overdraft: string) =>
    service.mutate<Change>(
      'proposeLimitChange',
      'ProposeLimitChangeInput',
      {
        book: 'NGEU',
        account: 'B-CASH',
        currency: 'EUR',
        overdraftLimit: overdraft,
        paymentLimit: '1000.00',
        reason: 'good client',
        idempotencyKey: key,
      },
      'change { approvalId payloadHash state }',
      controlled,
    );
  const stateOf = async (approvalId: string) =>
    ((await service.ask(`{ limitChange(id: "${approvalId}") { state } }`)).data?.limitChange as { state: string })
      .state;

  it('changes a limit', async () => {
    const { change } = await propose('lim-1', '500.00');
    const { approvalId, payloadHash } = change!;
    expect((await service.messages('compliance.request-approval.v1')).at(-1)).toMatchObject({
      approvalId,
      payloadHash,
      kind: 'LIMIT_CHANGE',
      requestedBy: 'person:controller',
    });
    expect(codes(await transfer('over-1', 'B-CASH', 'A-CASH', '431.00'))).toEqual(['INSUFFICIENT_FUNDS amount.amount']);
    await decide(approvalId, 'LIMIT_CHANGE', payloadHash);
    expect(await stateOf(approvalId)).toBe('APPLIED');
    expect(codes(await transfer('over-2', 'B-CASH', 'A-CASH', '431.00'))).toEqual([]);
    expect(codes(await transfer('over-3', 'B-CASH', 'A-CASH', '1000.01'))).toEqual(['LIMIT_EXCEEDED amount.amount']);
  });

  it('does not apply what was approved before it changed', async () => {
    const { change } = await propose('lim-2', '900.00');
    const { approvalId, payloadHash } = change!;
    const changed = await service.mutate<Change>(
      'changeLimitProposal',
      'ChangeLimitProposalInput',
      { changeId: approvalId, overdraftLimit: '90000.00', reason: 'very good client', idempotencyKey: 'lim-3' },
      'change { approvalId payloadHash state }',
      controlled,
    );
    expect(changed.change?.payloadHash).not.toBe(payloadHash);
    expect((await service.messages('compliance.change-approval-payload.v1')).at(-1)).toMatchObject({
      approvalId,
      payloadHash: changed.change?.payloadHash,
    });
    await decide(approvalId, 'LIMIT_CHANGE', payloadHash);
    expect(await stateOf(approvalId)).toBe('STALE');
  });

  it('reverses an entry', async () => {
    const wrong = await transfer('wrong', 'A-CASH', 'B-CASH', '0.01');
    expect(codes(wrong)).toEqual(['INSUFFICIENT_FUNDS amount.amount']);
    const { entry } = await service.mutate<Booked>(
      'postDeposit',
      'PostDepositInput',
      {
        book: 'NGEU',
        account: 'B-CASH',
        amount: { amount: '7.00', currency: 'EUR' },
        description: 'wrong',
        idempotencyKey: 'wrong-2',
      },
      selection,
    );
    const { change: reversal } = await service.mutate<{ change: { approvalId: string; payloadHash: string } | null }>(
      'proposeReversal',
      'ProposeReversalInput',
      { entryId: entry!.id, reason: 'wrong client', idempotencyKey: 'rev' },
      'change { approvalId payloadHash }',
      controlled,
    );
    await decide(reversal!.approvalId, 'MANUAL_REVERSAL', reversal!.payloadHash);
    const { data } = await service.ask(
      `{ reversal(id: "${reversal!.approvalId}") { state entry { reversedBy { kind reverses { id } } } } }`,
    );
    expect(data?.reversal).toEqual({
      state: 'POSTED',
      entry: { reversedBy: { kind: 'CORRECTION', reverses: { id: entry!.id } } },
    });
    expect(
      codes(
        await service.mutate(
          'proposeReversal',
          'ProposeReversalInput',
          { entryId: entry!.id, reason: 'again', idempotencyKey: 'rev-2' },
          'change { state }',
          controlled,
        ),
      ),
    ).toEqual(['ALREADY_REVERSED entryId']);
  });

  it('reverses a part of an entry, and tells of it from both sides', async () => {
    const { entry } = await service.mutate<Booked>(
      'postDeposit',
      'PostDepositInput',
      {
        book: 'NGEU',
        account: 'B-CASH',
        amount: { amount: '9.00', currency: 'EUR' },
        description: 'too much',
        idempotencyKey: 'too-much',
      },
      selection,
    );
    const propose = (idempotencyKey: string, part: object[]) =>
      service.mutate<{ change: { approvalId: string; payloadHash: string; part: object[] } | null }>(
        'proposeReversal',
        'ProposeReversalInput',
        { entryId: entry!.id, reason: 'too much', part, idempotencyKey },
        'change { approvalId payloadHash part { posting asset amount } }',
        controlled,
      );
    expect(
      codes(
        await propose('part-1', [
          { posting: 1, amount: '1.005' },
          { posting: 2, amount: '9.01' },
          { posting: 2, amount: '0.00' },
          { posting: 3, amount: '1.00' },
        ]),
      ).sort(),
    ).toEqual([
      'AMOUNT_NOT_POSITIVE part.2.amount',
      'EXCESS_SCALE part.0.amount',
      'POSTING_NOT_FOUND part.3.posting',
      'POSTING_REPEATED part.2.posting',
      'REVERSAL_EXCEEDED part.1.amount',
    ]);
    expect(codes(await propose('part-1', [{ posting: 1, amount: '1.00' }]))).toEqual(['NOT_BALANCED part']);
    const { change } = await propose('part-1', [
      { posting: 1, amount: '2.50' },
      { posting: 2, amount: '2.50' },
    ]);
    expect(change?.part).toEqual([1, 2].map((posting) => ({ posting, asset: 'EUR', amount: '2.50' })));
    await decide(change!.approvalId, 'MANUAL_REVERSAL', change!.payloadHash);
    const { data } = await service.ask(
      `{ reversal(id: "${change!.approvalId}") { state entry { reversedBy { id } reversedInParts { kind reverses { id } postings { amount } } } } }`,
    );
    expect(data?.reversal).toEqual({
      state: 'POSTED',
      entry: {
        reversedBy: null,
        reversedInParts: [
          { kind: 'CORRECTION', reverses: { id: entry!.id }, postings: [{ amount: '2.50' }, { amount: '2.50' }] },
        ],
      },
    });
  });
});
