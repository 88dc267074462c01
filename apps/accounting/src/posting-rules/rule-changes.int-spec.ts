import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DeliveryContext } from '#libs/messaging/index.js';
import { waitFor } from '#libs/testing/index.js';
import { ApprovalsProcessor } from '../accounts/approvals.processor.js';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { AssetsProcessor } from '../assets/assets.processor.js';
import { PostingProcessor } from '../journal/posting.processor.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { builtInRules } from './built-in-rules.js';
import { entriesPerStep } from './dry-runs.service.js';
import { type RuleSet } from './posting-rules.js';

let service: ServiceUnderTest;
const today = '2026-11-25';
const tomorrow = '2026-11-26';
beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    await service.app.get(AssetsProcessor, { strict: false }).register(tx, {
      items: [{ asset: 'EUR', kind: 'CURRENCY', scale: 2, name: 'Euro' }],
    });
    await service.app
      .get(AccountsRepository, { strict: false })
      .open(tx, [
        accountOf('A-CASH', 'CLIENT_CASH'),
        accountOf('B-CASH', 'CLIENT_CASH'),
        accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
        accountOf('SUSPENSE', 'SUSPENSE'),
        accountOf('CLEARING', 'SUSPENSE'),
      ]);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', $2)`,
      [today, tomorrow],
    );
  });
});
afterAll(async () => {
  await service.stop();
});

/** Deposits pass through a clearing account first. */
const throughClearing: RuleSet = builtInRules.map((rule) =>
  rule.event === 'DEPOSIT'
    ? {
        ...rule,
        postings: [
          ...rule.postings,
          { side: 'DEBIT', account: { number: 'CLEARING' }, asset: 'currency', amount: 'amount' },
          { side: 'CREDIT', account: { number: 'CLEARING' }, asset: 'currency', amount: 'amount' },
        ],
      }
    : rule,
);
/** Deposits wait in suspense, and nobody can withdraw. */
const suspended: RuleSet = builtInRules.map((rule) => {
  if (rule.event === 'DEPOSIT')
    return { ...rule, postings: [rule.postings[0]!, { ...rule.postings[1]!, account: { number: 'SUSPENSE' } }] };
  if (rule.event !== 'WITHDRAWAL') return rule;
  return { ...rule, postings: rule.postings.map((posting) => ({ ...posting, amount: 'amount - amount - amount' })) };
});

type Answered = { problems: { code: string; path: string | null }[] };
const codes = ({ problems }: Answered) => problems.map(({ code, path }) => `${code} ${path ?? ''}`.trim());
interface Change {
  change: { id: string; state: string; payloadHash: string } | null;
}
const propose = (key: string, more: object = {}) =>
  service.mutate<Change>(
    'proposePostingRules',
    'ProposePostingRulesInput',
    {
      book: 'NGEU',
      rules: throughClearing,
      validFrom: tomorrow,
      reason: 'through clearing',
      idempotencyKey: key,
      ...more,
    },
    'change { id state payloadHash }',
    { subject: 'person:olga' },
  );
const decide = (approvalId: string, payloadHash: string, outcome: 'APPROVED' | 'REJECTED' = 'APPROVED') =>
  service.run((tx) =>
    service.app.get(ApprovalsProcessor, { strict: false }).decided(tx, {
      approvalId,
      kind: 'POSTING_RULES',
      service: 'accounting',
      objectKind: 'POSTING_RULES',
      objectId: 'NGEU/posting-rules',
      payloadHash,
      outcome,
      decidedBy: 'person:piet',
      reason: 'seen',
    }),
  );
const changeOf = async (id: string) =>
  (await service.ask(`{ postingRuleChange(id: "${id}") { state version refusalCode decidedBy } }`)).data
    ?.postingRuleChange;
const works = (date: string) =>
  service.run(async (tx) => {
    await tx.execute(`UPDATE accounting.business_day SET state = 'CLOSED' WHERE book_id = 'NGEU' AND state = 'OPEN'`);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', $1::date + 1)`,
      [date],
    );
  });
const cash = (
  name: 'postDeposit' | 'postWithdrawal',
  key: string,
  account: string,
  amount: string,
  more: object = {},
) =>
  service.mutate<{ entry: { id: string; event: unknown; postings: object[] } | null }>(
    name,
    name === 'postDeposit' ? 'PostDepositInput' : 'PostWithdrawalInput',
    { book: 'NGEU', account, amount: { amount, currency: 'EUR' }, description: 'cash', idempotencyKey: key, ...more },
    `entry { id event { kind facts ruleVersion { version proposedBy approvedBy } } postings { accountNumber side amount } }`,
  );
interface Tried {
  problems: string[];
  postingRuleDryRun?: Record<string, unknown>;
  accountingJobRun?: Record<string, unknown>;
}
const dryRun = async (key: string, asked: object): Promise<Tried> => {
  const { dryRun: run, problems } = await service.mutate<
    { dryRun: { id: string; jobRunId: string; state: string } | null } & Answered
  >(
    'dryRunPostingRules',
    'DryRunPostingRulesInput',
    { book: 'NGEU', from: today, to: tomorrow, idempotencyKey: key, ...asked },
    'dryRun { id jobRunId state }',
  );
  if (!run) return { problems: codes({ problems }) };
  const read = async () =>
    (
      await service.ask(`{ postingRuleDryRun(id: "${run.id}") { state entries withoutEvent differing notBooked version
        sums { accountNumber asset now then isKnown } allSums: sums(onlyDiffering: false) { accountNumber }
        differences { n kind entry { id postings { accountNumber side amount } } postings { accountNumber side amount } problems { code } } }
        accountingJobRun(id: "${run.jobRunId}") { state done total counts } }`)
    ).data as { postingRuleDryRun: Record<string, unknown>; accountingJobRun: Record<string, unknown> };
  await waitFor(async () => (await read()).postingRuleDryRun.state === 'DONE', { what: 'the end of the dry run' });
  return { ...(await read()), problems: [] };
};

describe('other rules', () => {
  it('are refused with all their faults, each with its path', async () => {
    const wrong = builtInRules.map((rule) =>
      rule.event === 'FEE' ? { ...rule, postings: [rule.postings[0]!, rule.postings[0]!] } : rule,
    );
    expect(codes(await propose('wrong', { rules: wrong, validFrom: today }))).toEqual([
      'NOT_BALANCED rules.3.postings',
      'DATE_OPENED validFrom',
    ]);
    const unknown = throughClearing.map(
      (rule) => JSON.parse(JSON.stringify(rule).replaceAll('CLEARING', 'NOWHERE')) as object,
    );
    expect(codes(await propose('unknown', { rules: unknown }))).toEqual([
      'ACCOUNT_NOT_FOUND rules.0.postings.2.account',
      'ACCOUNT_NOT_FOUND rules.0.postings.3.account',
    ]);
    expect(codes(await propose('nobook', { book: 'NOBOOK' }))).toEqual(['BOOK_NOT_FOUND book']);
    expect(codes(await propose('text', { rules: 'DEPOSIT' }))).toEqual(['NOT_RULES rules']);
    // A caller who does not see the book is told no more than anybody.
    const elsewhere = await service.mutate<Change>(
      'proposePostingRules',
      'ProposePostingRulesInput',
      { book: 'NGEU', rules: throughClearing, validFrom: tomorrow, reason: 'why', idempotencyKey: 'elsewhere' },
      'change { id }',
      { books: ['NGUS'] },
    );
    expect(codes(elsewhere)).toEqual(['BOOK_NOT_FOUND book']);
  });

  it('are in force from their date, when a second person has agreed to exactly them', async () => {
    const before = await cash('postDeposit', 'd-1', 'A-CASH', '100.00');
    expect(before.entry).toMatchObject({
      event: {
        kind: 'DEPOSIT',
        facts: { client: 'A-CASH', nostro: 'NOSTRO-EUR', currency: 'EUR', amount: '10000', description: 'cash' },
        ruleVersion: { version: 1 },
      },
      postings: [
        { accountNumber: 'NOSTRO-EUR', side: 'DEBIT', amount: '100.00' },
        { accountNumber: 'A-CASH', side: 'CREDIT', amount: '100.00' },
      ],
    });
    const { change } = await propose('through');
    expect(change?.state).toBe('PROPOSED');
    expect((await service.messages('compliance.request-approval.v1')).at(-1)).toMatchObject({
      approvalId: change!.id,
      kind: 'POSTING_RULES',
      payloadHash: change!.payloadHash,
      summary: 'Posting rules of NGEU from 2026-11-26, other for DEPOSIT: through clearing',
      requestedBy: 'person:olga',
    });
    await decide(change!.id, 'f'.repeat(64));
    expect(await changeOf(change!.id)).toMatchObject({ state: 'STALE', version: null });

    const { change: again } = await propose('through-2');
    await decide(again!.id, again!.payloadHash);
    expect(await changeOf(again!.id)).toEqual({
      state: 'APPLIED',
      version: 2,
      refusalCode: null,
      decidedBy: 'person:piet',
    });
    // Told once more, nothing happens.
    await decide(again!.id, again!.payloadHash);
    const { data } = await service.ask(
      `{ postingRuleVersions(book: "NGEU") { version validFrom proposedBy approvedBy approvalId rules { event postings } }
         postingRuleVersion(book: "NGEU", version: 1) { validFrom source } postingEventKinds { kind facts } }`,
    );
    const [second, first, ...more] = data?.postingRuleVersions as { rules: { event: string; postings: string[] }[] }[];
    expect(more).toEqual([]);
    expect(first).toMatchObject({ version: 1, validFrom: '0001-01-01', approvalId: null });
    expect(second).toMatchObject({
      version: 2,
      validFrom: tomorrow,
      proposedBy: 'person:olga',
      approvedBy: 'person:piet',
    });
    expect(second!.rules.find(({ event }) => event === 'DEPOSIT')?.postings).toEqual([
      'debit nostro: amount in currency',
      'credit client: amount in currency',
      'debit account CLEARING: amount in currency',
      'credit account CLEARING: amount in currency',
    ]);
    expect(second!.rules.find(({ event }) => event === 'SETTLEMENT')?.postings[1]).toBe(
      'credit shares.safe: shares.quantity in instrument, for each of shares, when direction is RECEIVED',
    );
    expect(data?.postingRuleVersion).toEqual({
      validFrom: '0001-01-01',
      source: JSON.parse(JSON.stringify(builtInRules)) as object,
    });
    expect(data?.postingEventKinds).toContainEqual(expect.objectContaining({ kind: 'PAYMENT' }));

    expect((await cash('postDeposit', 'd-2', 'A-CASH', '1.00')).entry?.postings.length).toBe(2);
    await works(tomorrow);
    const after = await cash('postDeposit', 'd-3', 'A-CASH', '1.00');
    expect(after.entry).toMatchObject({
      event: { ruleVersion: { version: 2, proposedBy: 'person:olga', approvedBy: 'person:piet' } },
      postings: [{}, {}, { accountNumber: 'CLEARING' }, { accountNumber: 'CLEARING' }],
    });
  });

  it('come too late when their date was opened while people thought about them', async () => {
    const { change } = await propose('late', { validFrom: '2026-11-27' });
    await works('2026-11-27');
    await decide(change!.id, change!.payloadHash);
    expect(await changeOf(change!.id)).toEqual({
      state: 'REFUSED',
      version: null,
      refusalCode: 'DATE_OPENED',
      decidedBy: 'person:piet',
    });
    const { change: no } = await propose('no', { validFrom: '2026-12-01' });
    await decide(no!.id, no!.payloadHash, 'REJECTED');
    expect(await changeOf(no!.id)).toMatchObject({ state: 'REJECTED', version: null });
  });
});

describe('a dry run', () => {
  it('of the rules that booked it differs in nothing', async () => {
    const run = await dryRun('same', { version: 1, to: today });
    expect(run.postingRuleDryRun).toMatchObject({
      state: 'DONE',
      entries: 2,
      differing: 0,
      notBooked: 0,
      sums: [],
      differences: [],
    });
    expect(run.postingRuleDryRun?.allSums).toEqual([{ accountNumber: 'A-CASH' }, { accountNumber: 'NOSTRO-EUR' }]);
  });

  it('tells how many entries would differ, the sums now and then, and the first of them, and books nothing', async () => {
    await cash('postWithdrawal', 'w-1', 'A-CASH', '2.00');
    const entry = {
      book: 'NGEU',
      kind: 'CORRECTION',
      description: 'by hand',
      postings: [
        { account: 'NOSTRO-EUR', asset: 'EUR', side: 'DEBIT', amount: '9.00' },
        { account: 'B-CASH', asset: 'EUR', side: 'CREDIT', amount: '9.00' },
      ],
      idempotencyKey: 'by-hand',
    };
    await service.mutate('postEntry', 'PostEntryInput', entry, 'entry { id }');
    const ledger = async () => (await service.ask('{ ledgerSummary { entries postings } }')).data;
    const before = await ledger();
    const run = await dryRun('suspended', { rules: suspended, to: '2026-11-27', first: 3 });
    expect(run.postingRuleDryRun).toMatchObject({
      entries: 4,
      withoutEvent: 1,
      differing: 4,
      notBooked: 1,
      version: null,
      sums: [
        { accountNumber: 'A-CASH', asset: 'EUR', now: '-100.00', then: '0.00', isKnown: true },
        { accountNumber: 'NOSTRO-EUR', asset: 'EUR', now: '100.00', then: '102.00', isKnown: true },
        { accountNumber: 'SUSPENSE', asset: 'EUR', now: '0.00', then: '-102.00', isKnown: true },
      ],
    });
    const differences = run.postingRuleDryRun!.differences as Record<string, unknown>[];
    expect(differences.length).toBe(3);
    expect(differences[0]).toMatchObject({
      n: 1,
      kind: 'DEPOSIT',
      entry: {
        postings: [{ accountNumber: 'NOSTRO-EUR' }, { accountNumber: 'A-CASH', side: 'CREDIT', amount: '100.00' }],
      },
      postings: [{ accountNumber: 'NOSTRO-EUR' }, { accountNumber: 'SUSPENSE', side: 'CREDIT', amount: '100.00' }],
      problems: [],
    });
    expect(run.accountingJobRun).toMatchObject({
      state: 'SUCCEEDED',
      done: 4,
      total: 4,
      counts: { differing: 4, notBooked: 1 },
    });
    expect(await ledger()).toEqual(before);
    const whole = await dryRun('whole', { rules: suspended, to: '2026-11-27' });
    expect((whole.postingRuleDryRun!.differences as object[])[3]).toMatchObject({
      kind: null,
      postings: [],
      problems: [{ code: 'AMOUNT_BELOW_ZERO' }, { code: 'AMOUNT_BELOW_ZERO' }],
    });
  });

  it('goes through more entries than one step takes', async () => {
    const transfers = entriesPerStep + 20;
    const items = Array.from({ length: transfers }, (_, n) => ({
      key: `many-${n}`,
      book: 'NGEU',
      businessDate: '2026-11-27',
      valueDate: '2026-11-27',
      subject: { kind: 'TEST', id: `many-${n}` },
      event: {
        kind: 'DEPOSIT' as const,
        facts: { client: 'B-CASH', nostro: 'NOSTRO-EUR', currency: 'EUR', amount: '1', description: 'many' },
      },
    }));
    const processor = service.app.get(PostingProcessor, { strict: false });
    for (const some of [items.slice(0, 300), items.slice(300)])
      await service.run((tx) =>
        processor.postEntries(tx, { batchId: 'bat_many', items: some }, { producer: 'settlement' } as DeliveryContext),
      );
    const run = await dryRun('many', { rules: suspended, from: '2026-11-27', to: '2026-11-27', first: 2 });
    expect(run.postingRuleDryRun).toMatchObject({ entries: transfers + 1, differing: transfers + 1 });
    expect((run.postingRuleDryRun!.differences as object[]).length).toBe(2);
    const proposed = await propose('draft', { rules: suspended, validFrom: '2026-12-24' });
    const same = await dryRun('proposed', {
      changeId: proposed.change!.id,
      from: '2026-11-27',
      to: '2026-11-27',
      first: 0,
    });
    expect(same.postingRuleDryRun).toMatchObject({ differing: transfers + 1, differences: [] });
    expect(same.postingRuleDryRun!.sums).toEqual(run.postingRuleDryRun!.sums);
  });

  it('is not begun for what is not there', async () => {
    expect((await dryRun('none', {})).problems).toEqual(['REQUIRED rules']);
    expect((await dryRun('two', { version: 1, rules: builtInRules })).problems).toEqual(['REQUIRED rules']);
    expect((await dryRun('v9', { version: 9 })).problems).toEqual(['NOT_FOUND version']);
    expect((await dryRun('apr', { changeId: 'apr_none' })).problems).toEqual(['NOT_FOUND changeId']);
    expect((await dryRun('turned', { version: 1, from: tomorrow, to: today })).problems).toEqual([
      'PERIOD_ENDS_BEFORE_IT_BEGINS to',
    ]);
    expect((await dryRun('faulty', { rules: [] })).problems.length).toBe(builtInRules.length);
  });
});
