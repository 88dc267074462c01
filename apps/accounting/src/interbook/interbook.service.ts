import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { isRefused, newId, type Problem, problem } from '#libs/kernel/index.js';
import { isCurrency, parseDecimal } from '#libs/money/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { termsOf } from '../accounts/accounts.js';
import { type NewAccount } from '../accounts/accounts.repository.js';
import { Accounts } from '../accounts/accounts.service.js';
import { Assets } from '../assets/assets.service.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { EndOfDay } from '../business-days/end-of-day.service.js';
import { Charts } from '../chart/charts.service.js';
import { type PostingItem, type PostingResult, refusalText, retryableCodes, transferOf } from '../journal/posting.js';
import { idOf } from '../journal/posting-input.js';
import { PostingService } from '../journal/posting.service.js';
import { Reversals } from '../journal/reversals.service.js';
import { dueFrom, dueTo, type InterbookSide, type JudgedPosition, judgePosition, placeSides } from './interbook.js';
import { InterbookRepository, type PairRow } from './interbook.repository.js';

export interface AskedSide {
  readonly book: string;
  /** What stands against the due account. */
  readonly account: string;
}
export interface AskedPair {
  readonly dueFrom: AskedSide;
  readonly dueTo: AskedSide;
  readonly asset: string;
  readonly amount: string;
  readonly valueDate: string | null;
  readonly description: string;
}

export type ShownPosition = JudgedPosition & { readonly scale: number };

const requester = 'service:accounting';
const workKeyOf = ({ creditor, debtor, asset }: { creditor: string; debtor: string; asset: string }) =>
  `interbook:${creditor}:${debtor}:${asset}`;

/** Entries between books: both sides are booked or none, and what one is owed the other owes. */
@Injectable()
export class Interbook implements OnModuleInit {
  constructor(
    private readonly repository: InterbookRepository,
    private readonly accounts: Accounts,
    private readonly charts: Charts,
    private readonly assets: Assets,
    private readonly days: BusinessDays,
    private readonly endOfDay: EndOfDay,
    private readonly posting: PostingService,
    private readonly reversals: Reversals,
    private readonly workItems: WorkItems,
    private readonly audit: AuditTrail,
  ) {}

  onModuleInit(): void {
    this.days.whenOpened((tx, book, date) => this.bookWaiting(tx, book, date));
    this.endOfDay.add({
      name: 'interbook',
      step: async (tx, book) => {
        const differing = (await this.agree(tx, book)).filter(({ state }) => state !== 'AGREED');
        return { counts: { interbookDifferences: differing.length } };
      },
    });
    this.reversals.guard(async (tx, entryId) => {
      const pairId = await this.repository.ofEntry(tx, entryId);
      return pairId === undefined
        ? []
        : [problem('ENTRY_OF_PAIR', `It is a side of ${pairId}, which is reversed whole`, ['entryId'])];
    });
  }

  find(tx: Tx, pairId: string): Promise<PairRow | undefined> {
    return this.repository.find(tx, pairId);
  }

  list(tx: Tx, book: string, state: string | null, first: number): Promise<PairRow[]> {
    return this.repository.list(tx, book, state, first);
  }

  async positions(
    tx: Tx,
    asOf: string | null,
    book: string | null = null,
    knownOn: string | null = null,
  ): Promise<ShownPosition[]> {
    return (await this.repository.positions(tx, asOf, book, knownOn)).map((row) => ({
      ...judgePosition(row),
      scale: row.scale,
    }));
  }

  async post(tx: Tx, asked: AskedPair, by: string): Promise<{ pair?: PairRow; problems: readonly Problem[] }> {
    const { units, problems } = await this.read(tx, asked);
    if (problems.length > 0) return { problems };
    const books = { CREDITOR: asked.dueFrom.book, DEBTOR: asked.dueTo.book };
    await this.lockBooks(tx, Object.values(books));
    const place = placeSides({
      CREDITOR: await this.openDate(tx, books.CREDITOR),
      DEBTOR: await this.openDate(tx, books.DEBTOR),
    });
    if (!place)
      return { problems: [problem('DAY_NOT_OPEN', 'Neither of the books has an open business day', [], true)] };
    await this.openAccounts(tx, books);
    const pair = {
      pairId: newId('ibp'),
      creditor: books.CREDITOR,
      debtor: books.DEBTOR,
      asset: asked.asset,
      units: String(units),
      creditorAccount: asked.dueFrom.account,
      debtorAccount: asked.dueTo.account,
      fromDate: place.fromDate,
      valueDate: asked.valueDate ?? place.fromDate,
      description: asked.description,
      requestedBy: by,
    };
    const refused = await this.allOrNone(tx, async () => {
      const results = await this.posting.post(tx, {
        requestedBy: by,
        items: place.now.map((side) => ({ ...entryOf(pair, side, place.fromDate, 0), group: pair.pairId })),
      });
      const failed = problemsOf(results, (n) => (place.now[n] === 'CREDITOR' ? ['dueFrom'] : ['dueTo']));
      if (failed.length > 0) return failed;
      const entryOfSide = (side: InterbookSide) => results[place.now.indexOf(side)]?.id ?? null;
      await this.repository.add(tx, {
        ...pair,
        creditorEntryId: entryOfSide('CREDITOR'),
        debtorEntryId: entryOfSide('DEBTOR'),
      });
      return [];
    });
    if (refused.length > 0) return { problems: refused };
    await this.record(tx, 'INTERBOOK_POSTED', pair, by, pair.description, { units: pair.units, asset: pair.asset });
    await this.agree(tx, pair.creditor, pair);
    return { pair: await this.repository.find(tx, pair.pairId), problems: [] };
  }

  /** Takes back both sides; of a pair in transit the one that is booked, and the other is not booked any more. */
  async reverse(
    tx: Tx,
    asked: { pairId: string; reason: string },
    by: string,
  ): Promise<{ pair?: PairRow; problems: readonly Problem[] }> {
    const known = await this.repository.find(tx, asked.pairId);
    if (!known) return { problems: [problem('PAIR_NOT_FOUND', 'There is no such pair', ['pairId'])] };
    await this.lockBooks(tx, [known.creditor, known.debtor]);
    const pair = (await this.repository.find(tx, asked.pairId, true)) ?? known;
    if (pair.state === 'REVERSED')
      return { problems: [problem('ALREADY_REVERSED', 'The pair was reversed before', ['pairId'])] };
    const sides = [
      { side: 'CREDITOR' as const, book: pair.creditor, entryId: pair.creditorEntryId },
      { side: 'DEBTOR' as const, book: pair.debtor, entryId: pair.debtorEntryId },
    ].flatMap(({ entryId, ...one }) => (entryId === null ? [] : [{ ...one, entryId }]));
    const items: PostingItem[] = [];
    const problems: Problem[] = [];
    for (const { side, book, entryId } of sides) {
      const date = await this.openDate(tx, book);
      if (date === undefined)
        problems.push(problem('DAY_NOT_OPEN', `${book} has no open business day`, ['pairId'], true));
      else items.push(reversalOf(pair, side, book, entryId, date, asked.reason));
    }
    if (problems.length > 0) return { problems };
    const idOfSide = (side: InterbookSide) => {
      const item = items[sides.findIndex((one) => one.side === side)];
      return item ? idOf(item) : null;
    };
    const refused = await this.allOrNone(tx, async () => {
      await this.repository.reversed(
        tx,
        pair.pairId,
        { CREDITOR: idOfSide('CREDITOR'), DEBTOR: idOfSide('DEBTOR') },
        by,
        asked.reason,
      );
      return problemsOf(await this.posting.post(tx, { requestedBy: by, items }), () => ['pairId']);
    });
    if (refused.length > 0) return { problems: refused };
    await this.record(tx, 'INTERBOOK_REVERSED', pair, by, asked.reason, {});
    await this.agree(tx, pair.creditor, pair);
    return { pair: await this.repository.find(tx, pair.pairId), problems: [] };
  }

  /** Books the side that waits, once its book has the date: by itself when the date opens, or asked for after a refusal. */
  async bookSide(tx: Tx, pairId: string, by: string): Promise<{ pair?: PairRow; problems: readonly Problem[] }> {
    const known = await this.repository.find(tx, pairId);
    if (!known) return { problems: [problem('PAIR_NOT_FOUND', 'There is no such pair', ['pairId'])] };
    await this.lockBooks(tx, [known.creditor, known.debtor]);
    const pair = (await this.repository.find(tx, pairId, true)) ?? known;
    if (pair.state !== 'IN_TRANSIT')
      return { problems: [problem('PAIR_NOT_IN_TRANSIT', `The pair is ${pair.state}`, ['pairId'])] };
    const book = pair.creditorEntryId === null ? pair.creditor : pair.debtor;
    const date = await this.openDate(tx, book);
    if (date === undefined || date < pair.fromDate)
      return {
        problems: [problem('DAY_NOT_OPEN', `${book} is not on ${pair.fromDate} or later`, ['pairId'], true)],
      };
    const problems = await this.bookWaitingSide(tx, pair, date, by);
    await this.agree(tx, pair.creditor, pair);
    return { pair: await this.repository.find(tx, pairId), problems };
  }

  private async bookWaiting(tx: Tx, book: string, date: string): Promise<void> {
    for (const pair of await this.repository.waiting(tx, book, date)) {
      await this.bookWaitingSide(tx, pair, date, requester);
      await this.agree(tx, pair.creditor, pair);
    }
  }

  /** What is refused stays in transit and is somebody's work; the date opens all the same. */
  private async bookWaitingSide(tx: Tx, pair: PairRow, date: string, by: string): Promise<Problem[]> {
    const side = pair.creditorEntryId === null ? 'CREDITOR' : 'DEBTOR';
    const results = await this.posting.post(tx, {
      requestedBy: by,
      items: [entryOf(pair, side, date, pair.attempts + 1)],
    });
    const [result] = results;
    const problems = problemsOf(results, () => ['pairId']);
    if (problems.length > 0) await this.repository.refused(tx, pair.pairId, result?.code ?? '');
    else {
      await this.repository.booked(tx, pair.pairId, side, result?.id ?? '');
      await this.record(
        tx,
        'INTERBOOK_SIDE_BOOKED',
        pair,
        by,
        pair.description,
        { side, businessDate: date },
        // Who opens the date of this book need not see the other.
        side === 'CREDITOR' ? pair.creditor : pair.debtor,
      );
    }
    return problems;
  }

  /** Compares what stands on both sides; a difference is work until they agree. */
  async agree(
    tx: Tx,
    book: string,
    only?: { creditor: string; debtor: string; asset: string },
  ): Promise<JudgedPosition[]> {
    const positions = (await this.positions(tx, null, book)).filter(
      (one) => only === undefined || workKeyOf(one) === workKeyOf(only),
    );
    const [agreed, differing] = [
      positions.filter(({ state }) => state === 'AGREED'),
      positions.filter(({ state }) => state !== 'AGREED'),
    ];
    await this.workItems.closeMany(tx, agreed.map(workKeyOf), 'Both books say the same', requester);
    if (differing.length > 0) {
      const clock = await tx.row<{ due: Date }>(`SELECT kernel.now() + interval '1 day' AS due`);
      await this.workItems.openAgain(
        tx,
        differing.map((one) => ({
          key: workKeyOf(one),
          kind: 'INTERBOOK_DIFFERENCE',
          category: 'OTHER' as const,
          objectKind: 'INTERBOOK_POSITION',
          objectId: `${one.creditor}/${one.debtor}/${one.asset}`,
          reference: `${one.creditor} ${one.debtor} ${one.asset}`,
          reasonCode: one.state === 'IN_TRANSIT' ? 'INTERBOOK_IN_TRANSIT' : 'INTERBOOK_DIFFERENT',
          bookId: one.creditor,
          valueAtRisk: isCurrency(one.asset)
            ? {
                currency: one.asset,
                amountMinor: one.differenceUnits < 0n ? -one.differenceUnits : one.differenceUnits,
              }
            : undefined,
          ownerTeam: 'finance',
          dueAt: clock?.due ?? new Date(0),
          nextAction: `Find out why what ${one.creditor} is owed is not what ${one.debtor} owes, and book the side that is missing`,
        })),
      );
    }
    return positions;
  }

  private async read(tx: Tx, asked: AskedPair): Promise<{ units: bigint; problems: Problem[] }> {
    const problems: Problem[] = [];
    if (asked.dueFrom.book === asked.dueTo.book)
      problems.push(problem('SAME_BOOK', 'A pair is between two books', ['dueTo', 'book']));
    const asset = (await this.assets.find(tx, [asked.asset])).get(asked.asset);
    if (!asset) problems.push(problem('ASSET_NOT_FOUND', 'The asset is not registered', ['asset']));
    const amount = parseDecimal(asked.amount, asset?.scale ?? 12);
    if (isRefused(amount)) problems.push(...amount.problems.map((one) => ({ ...one, path: ['amount'] })));
    else if (amount.value <= 0n) problems.push(problem('AMOUNT_NOT_POSITIVE', 'Every amount is positive', ['amount']));
    for (const [field, { book, account }] of Object.entries({ dueFrom: asked.dueFrom, dueTo: asked.dueTo })) {
      if (!(await this.charts.find(tx, book))) {
        problems.push(problem('BOOK_NOT_FOUND', `There is no book ${book}`, [field, 'book']));
        continue;
      }
      await this.charts.openDirect(tx, book, [account]);
      const [found] = await this.accounts.byNumber(tx, [{ book, number: account }]);
      if (!found) problems.push(problem('ACCOUNT_NOT_FOUND', `${book} has no account ${account}`, [field, 'account']));
      else if (found.kind === 'DUE_FROM_BOOK' || found.kind === 'DUE_TO_BOOK')
        problems.push(problem('ACCOUNT_IS_DUE', 'The due accounts are booked by the pair itself', [field, 'account']));
    }
    return { units: isRefused(amount) ? 0n : amount.value, problems };
  }

  private async lockBooks(tx: Tx, books: readonly string[]): Promise<void> {
    for (const book of [...books].sort()) await this.days.lock(tx, book);
  }

  private async openDate(tx: Tx, book: string): Promise<string | undefined> {
    const day = await this.days.worked(tx, book);
    return day?.state === 'OPEN' ? day.businessDate : undefined;
  }

  private async openAccounts(tx: Tx, books: Readonly<Record<InterbookSide, string>>): Promise<void> {
    const opened = (book: string, number: string, kind: 'DUE_FROM_BOOK' | 'DUE_TO_BOOK'): NewAccount => ({
      ...{ book, number, kind, ...termsOf(kind), state: 'OPEN', partyId: null, currency: null },
      ...{ iban: null, agentBic: null, statementChannel: null, importId: null },
    });
    await this.accounts.openEach(tx, [
      opened(books.CREDITOR, dueFrom(books.DEBTOR), 'DUE_FROM_BOOK'),
      opened(books.DEBTOR, dueTo(books.CREDITOR), 'DUE_TO_BOOK'),
    ]);
  }

  /** What was begun is taken back when it does not end well. */
  private async allOrNone(tx: Tx, work: () => Promise<Problem[]>): Promise<Problem[]> {
    await tx.execute('SAVEPOINT interbook');
    const problems = await work();
    await tx.execute(problems.length > 0 ? 'ROLLBACK TO SAVEPOINT interbook' : 'RELEASE SAVEPOINT interbook');
    return problems;
  }

  private async record(
    tx: Tx,
    action: string,
    { pairId, creditor, debtor }: { pairId: string; creditor: string; debtor: string },
    by: string,
    reason: string,
    after: object,
    bookId = creditor,
  ): Promise<void> {
    await this.audit.append(tx, {
      action,
      objectKind: 'INTERBOOK_PAIR',
      objectId: pairId,
      bookId,
      principal: by,
      reason,
      after: { creditor, debtor, ...after },
    });
  }
}

type PairToBook = Pick<
  PairRow,
  | 'pairId'
  | 'creditor'
  | 'debtor'
  | 'asset'
  | 'units'
  | 'creditorAccount'
  | 'debtorAccount'
  | 'valueDate'
  | 'description'
>;

function entryOf(pair: PairToBook, side: InterbookSide, businessDate: string, attempt: number): PostingItem {
  const isCreditor = side === 'CREDITOR';
  return {
    op: 'ENTRY',
    key: `interbook:${pair.pairId}:${side}${attempt === 0 ? '' : `:${attempt}`}`,
    book: isCreditor ? pair.creditor : pair.debtor,
    kind: 'INTERBOOK',
    businessDate,
    valueDate: pair.valueDate,
    description: pair.description,
    subject: { kind: 'INTERBOOK_PAIR', id: pair.pairId },
    postings: isCreditor
      ? transferOf(dueFrom(pair.debtor), pair.creditorAccount, pair.asset, pair.units)
      : transferOf(pair.debtorAccount, dueTo(pair.creditor), pair.asset, pair.units),
  };
}

const reversalOf = (
  pair: PairRow,
  side: InterbookSide,
  book: string,
  entryId: string,
  businessDate: string,
  reason: string,
): PostingItem => ({
  op: 'REVERSAL',
  key: `interbook:${pair.pairId}:${side}:reversal`,
  book,
  group: pair.pairId,
  kind: 'CORRECTION',
  businessDate,
  valueDate: pair.valueDate,
  description: reason.slice(0, 140),
  subject: { kind: 'INTERBOOK_PAIR', id: pair.pairId },
  reverses: entryId,
});

const problemsOf = (results: readonly PostingResult[], pathOf: (n: number) => string[]): Problem[] =>
  results.flatMap((result, n) =>
    result.outcome === 'POSTED' || result.code === 'LINKED_ITEM_REFUSED'
      ? []
      : [
          problem(
            result.code ?? '',
            refusalText(result),
            pathOf(n),
            result.code !== undefined && retryableCodes.has(result.code),
          ),
        ],
  );
