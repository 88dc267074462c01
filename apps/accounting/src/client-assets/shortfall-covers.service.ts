import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { newId, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { currencyExponent, formatDecimal, parseDecimal } from '#libs/money/index.js';
import { termsOf } from '../accounts/accounts.js';
import { Accounts } from '../accounts/accounts.service.js';
import { proposalHours, stateAfter } from '../accounts/limit-changes.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { transferOf } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import {
  coverAccountOf,
  coverProblems,
  type CoverProposal,
  hashOfCover,
  neededFor,
  type OwnMoney,
  ownMoneyAccount,
  type ShortfallToCover,
} from './shortfall-covers.js';
import { type CoverRow, ShortfallCoversRepository } from './shortfall-covers.repository.js';
import { type ShortfallRow, ShortfallsRepository } from './shortfalls.repository.js';

/** One person proposes own money for what clients are short of, another agrees, and the ledger sets it aside. */
@Injectable()
export class ShortfallCovers {
  constructor(
    private readonly repository: ShortfallCoversRepository,
    private readonly shortfalls: ShortfallsRepository,
    private readonly accounts: Accounts,
    private readonly days: BusinessDays,
    private readonly posting: PostingService,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  async propose(
    tx: Tx,
    asked: {
      shortfallId: string;
      amount: string;
      fromAccount?: string | null;
      reason: string;
      expiresAt?: Date | null;
    },
    by: string,
  ): Promise<{ cover?: CoverRow; problems: readonly Problem[] }> {
    const shortfall = await this.shortfalls.find(tx, asked.shortfallId, true);
    if (!shortfall) return { problems: [problem('NOT_FOUND', 'There is no such shortfall', ['shortfallId'])] };
    const needed = neededFor(toCover(shortfall, []));
    const currency = needed?.currency ?? shortfall.functionalCurrency;
    const amount = parseDecimal(asked.amount, currencyExponent(currency));
    if (!amount.ok) return { problems: amount.problems.map((one) => ({ ...one, path: ['amount'] })) };
    const fromAccount = asked.fromAccount ?? ownMoneyAccount(currency);
    const problems = await this.problemsOf(tx, shortfall, amount.value, fromAccount, currency);
    const { expiresAt = null, reason } = asked;
    if (expiresAt !== null && (await tx.row('SELECT 1 WHERE $1::timestamptz <= kernel.now()', [expiresAt])))
      problems.push(problem('ALREADY_EXPIRED', 'It would expire at once', ['expiresAt']));
    if (problems.length > 0) return { problems };
    const proposal: CoverProposal = {
      shortfallId: shortfall.shortfallId,
      book: shortfall.book,
      currency,
      amountMinor: amount.value.toString(),
      fromAccount,
      coverAccount: coverAccountOf(currency),
      reason,
    };
    const approvalId = newId('apr');
    const payloadHash = hashOfCover(proposal);
    const cover = await this.repository.propose(
      tx,
      { ...proposal, approvalId, payloadHash },
      by,
      proposalHours,
      expiresAt,
    );
    await this.outbox.add(tx, 'compliance.request-approval.v1', {
      approvalId,
      kind: 'SHORTFALL_COVER',
      service: 'accounting',
      objectKind: 'SHORTFALL',
      objectId: shortfall.shortfallId,
      book: shortfall.book,
      payloadHash,
      summary:
        `Cover ${formatDecimal(amount.value, currencyExponent(currency))} ${currency} from ${fromAccount} for what clients are short of in ${shortfall.asset}: ${reason}`.slice(
          0,
          280,
        ),
      requestedBy: by,
      expiresAt: cover.expiresAt.toISOString(),
    });
    await this.record(tx, 'PROPOSED', cover, by, reason);
    return { cover, problems: [] };
  }

  async decided(tx: Tx, event: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    const proposed = await this.repository.find(tx, event.approvalId);
    if (!proposed) return;
    const shortfall = await this.shortfalls.find(tx, proposed.shortfallId, true);
    const open = await this.repository.find(tx, event.approvalId, true);
    if (open?.state !== 'PROPOSED' || !shortfall) return;
    const next = stateAfter(event.outcome, event.payloadHash, open.payloadHash);
    const { decidedBy: by, reason } = event;
    const done =
      next === 'APPLY' ? await this.book(tx, open, shortfall, by) : { state: next, entryId: null, refusalCode: null };
    await this.repository.decide(tx, event.approvalId, { ...done, by, reason });
    await this.record(tx, done.state, open, by, reason, { entryId: done.entryId, refusalCode: done.refusalCode });
  }

  /** The money goes back to the firm. A date that takes nothing any more leaves it to the next calculation. */
  async releaseCured(tx: Tx, book: string, calculationId: string, by: string): Promise<void> {
    const covers = await this.repository.toRelease(tx, book);
    const day = covers.length === 0 ? undefined : await this.days.worked(tx, book);
    if (day?.state !== 'OPEN') return;
    for (const cover of covers) {
      const [result] = await this.posting.post(tx, {
        requestedBy: by,
        items: [
          {
            op: 'REVERSAL',
            key: `cover-release:${cover.approvalId}:${calculationId}`.slice(0, 128),
            book,
            kind: 'SHORTFALL_COVER',
            businessDate: day.businessDate,
            valueDate: day.businessDate,
            description: 'Cover released: nothing is missing any more',
            subject: { kind: 'SHORTFALL', id: cover.shortfallId },
            reverses: cover.entryId ?? '',
          },
        ],
      });
      if (result?.outcome !== 'POSTED' || result.id === undefined) continue;
      await this.repository.release(tx, cover.approvalId, result.id);
      await this.record(tx, 'RELEASED', cover, by, 'nothing is missing any more', { entryId: result.id });
    }
  }

  /** What may have come between is looked at again: the shortfall, the money, and who agreed. */
  private async book(tx: Tx, open: CoverRow, shortfall: ShortfallRow, by: string) {
    const refused = (refusalCode: string) => ({ state: 'REFUSED' as const, entryId: null, refusalCode });
    if (by === open.requestedBy) return refused('SECOND_PERSON_NEEDED');
    const others = (await this.repository.of(tx, [shortfall.shortfallId])).filter(
      ({ approvalId }) => approvalId !== open.approvalId,
    );
    const own = await this.ownMoney(tx, open.book, open.fromAccount, open.currency);
    const [fault] = coverProblems(
      toCover(shortfall, others),
      BigInt(open.amountMinor),
      own,
      currencyExponent(open.currency),
    );
    if (fault) return refused(fault.code);
    const day = await this.days.worked(tx, open.book);
    if (!day) return refused('PERIOD_NOT_OPEN');
    await this.openCoverAccount(tx, open);
    const [result] = await this.posting.post(tx, {
      requestedBy: by,
      items: [
        {
          op: 'ENTRY',
          key: `cover:${open.approvalId}`,
          book: open.book,
          kind: 'SHORTFALL_COVER',
          businessDate: day.businessDate,
          valueDate: day.businessDate,
          description: `Own money for what clients are short of in ${shortfall.asset}`,
          subject: { kind: 'SHORTFALL', id: shortfall.shortfallId },
          postings: transferOf(open.coverAccount, open.fromAccount, open.currency, open.amountMinor),
        },
      ],
    });
    if (result?.outcome !== 'POSTED' || result.id === undefined) return refused(result?.code ?? 'PERIOD_NOT_OPEN');
    return { state: 'BOOKED' as const, entryId: result.id, refusalCode: null };
  }

  private async problemsOf(
    tx: Tx,
    shortfall: ShortfallRow,
    amountMinor: bigint,
    fromAccount: string,
    currency: string,
  ): Promise<Problem[]> {
    const covers = await this.repository.of(tx, [shortfall.shortfallId]);
    const own = await this.ownMoney(tx, shortfall.book, fromAccount, currency);
    return coverProblems(toCover(shortfall, covers), amountMinor, own, currencyExponent(currency));
  }

  private async ownMoney(tx: Tx, book: string, number: string, currency: string): Promise<OwnMoney | undefined> {
    const [account] = await this.accounts.byNumber(tx, [{ book, number }]);
    if (!account || number.startsWith('COVER-')) return undefined;
    const balance = (await this.accounts.balancesOf(tx, [{ book, number }])).find(({ asset }) => asset === currency);
    const balanceMinor = balance ? BigInt(balance.postedDebit) - BigInt(balance.postedCredit) : 0n;
    return { number, kind: account.kind, balanceMinor };
  }

  private async openCoverAccount(tx: Tx, { book, coverAccount, currency }: CoverRow): Promise<void> {
    if ((await this.accounts.byNumber(tx, [{ book, number: coverAccount }])).length > 0) return;
    await this.accounts.open(tx, [
      {
        book,
        number: coverAccount,
        kind: 'ASSET',
        ...termsOf('ASSET'),
        state: 'OPEN',
        partyId: null,
        currency,
        iban: null,
        agentBic: null,
        statementChannel: null,
        importId: null,
      },
    ]);
  }

  private async record(
    tx: Tx,
    action: string,
    cover: CoverRow,
    by: string,
    reason: string,
    after: object = {},
  ): Promise<void> {
    await this.audit.append(tx, {
      action: `SHORTFALL_COVER_${action}`,
      objectKind: 'SHORTFALL',
      objectId: cover.shortfallId,
      bookId: cover.book,
      principal: by,
      reason,
      after: { approvalId: cover.approvalId, currency: cover.currency, amountMinor: cover.amountMinor, ...after },
    });
  }
}

/** A shortfall with what was set aside for it. */
export const toCover = (shortfall: ShortfallRow, covers: readonly CoverRow[]): ShortfallToCover => ({
  ...shortfall,
  units: BigInt(shortfall.units),
  worthMinor: shortfall.worthMinor === null ? null : BigInt(shortfall.worthMinor),
  coveredMinor: covers
    .filter(({ state }) => state === 'BOOKED')
    .reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n),
  isProposed: covers.some(({ state }) => state === 'PROPOSED'),
});
