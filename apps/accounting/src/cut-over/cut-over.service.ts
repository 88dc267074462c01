import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { addBusinessDays, localDateOf, type PlainDate } from '#libs/calendar/index.js';
import { type CutOverChunk, type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { isRefused, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox, unsealText } from '#libs/messaging/index.js';
import { isCurrency, parseDecimal } from '#libs/money/index.js';
import { Accounts } from '../accounts/accounts.service.js';
import { type Asset } from '../assets/assets.repository.js';
import { Assets } from '../assets/assets.service.js';
import { calendarOfBook, termsOfBook } from '../business-days/books.js';
import { DayCalendarsService } from '../business-days/day-calendars.service.js';
import { type PostingItem, refusalText, transferOf } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { readAccount, readFirmAccount, readOpening, type RefusedRow, type Row } from './cut-over-rows.js';
import { CutOverRepository } from './cut-over.repository.js';

/** Settlement announces instruments on another path: a chunk that comes first waits for them by being tried again. */
export class InstrumentsNotYetKnown extends Error {}

const requester = 'service:settlement';
const reversalsPerBatch = 500;

interface Applied {
  readonly applied: number;
  readonly refused: RefusedRow[];
}

/** What an institution brings along, applied chunk by chunk, and taken back by linked reversals until it is signed. */
@Injectable()
export class CutOver {
  constructor(
    private readonly repository: CutOverRepository,
    private readonly accounts: Accounts,
    private readonly assets: Assets,
    private readonly posting: PostingService,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly calendars: DayCalendarsService,
  ) {}

  async apply(tx: Tx, chunk: CutOverChunk): Promise<void> {
    const rows = rowsOf(chunk);
    const state = await this.repository.begin(
      tx,
      chunk.importId,
      rows.flatMap((row) => (row.book ? [row.book] : [])),
    );
    const { applied, refused } =
      state === 'APPLYING'
        ? await this.applyRows(tx, chunk, rows)
        : {
            applied: 0,
            refused: rows.map((_, row) => ({
              row,
              code: 'CUT_OVER_ENDED',
              message: `The import is ${state.toLowerCase()}`,
            })),
          };
    await this.outbox.add(tx, 'accounting.cut-over-applied.v1', {
      importId: chunk.importId,
      kind: chunk.kind,
      chunk: chunk.chunk,
      applied,
      refused,
    });
  }

  async sign(tx: Tx, event: PayloadOf<'settlement.cut-over-signed.v1'>): Promise<void> {
    await this.repository.sign(tx, event.importId, event.books, event.signedBy);
    await this.audit.appendMany(
      tx,
      event.books.map((book) => ({
        action: 'CUT_OVER_SIGNED',
        objectKind: 'CUT_OVER',
        objectId: event.importId,
        bookId: book,
        principal: requester,
        after: { signedBy: event.signedBy },
      })),
    );
  }

  async rollBack(tx: Tx, importId: string): Promise<void> {
    if (await this.repository.endRolledBack(tx, importId)) {
      await this.reverseAll(tx, importId);
      const holds = await this.repository.openHolds(tx, importId);
      await this.must(
        tx,
        holds.map(({ holdId, book }) => ({ op: 'RELEASE', key: `roll-back:${holdId}`, book, hold: { holdId } })),
      );
      await this.accounts.setStates(
        tx,
        (await this.repository.accountsOf(tx, importId)).map((account) => ({
          ...account,
          state: 'CLOSED',
          reason: 'The import was rolled back',
          reference: importId,
        })),
        requester,
      );
      await this.repository.withdrawKept(tx, importId);
      await this.audit.append(tx, {
        action: 'CUT_OVER_ROLLED_BACK',
        objectKind: 'CUT_OVER',
        objectId: importId,
        principal: requester,
      });
    }
    await this.outbox.add(tx, 'accounting.cut-over-rolled-back.v1', { importId });
  }

  private async reverseAll(tx: Tx, importId: string): Promise<void> {
    for (;;) {
      const entries = await this.repository.openingEntries(tx, importId, reversalsPerBatch);
      if (entries.length === 0) return;
      await this.must(
        tx,
        entries.map(({ entryId, book, businessDate, valueDate }) => ({
          op: 'REVERSAL',
          key: `roll-back:${entryId}`,
          book,
          kind: 'OPENING_REVERSED',
          businessDate,
          valueDate,
          description: 'Cut-over rolled back',
          subject: { kind: 'CUT_OVER', id: importId },
          forced: { reason: 'cut-over rolled back' },
          reverses: entryId,
        })),
      );
    }
  }

  private async must(tx: Tx, items: readonly PostingItem[]): Promise<void> {
    const results = await this.posting.post(tx, { items, requestedBy: requester });
    const failed = results.find(({ outcome }) => outcome === 'REFUSED');
    if (failed) throw new Error(`the roll-back was refused: ${failed.key} ${failed.code ?? ''}`);
  }

  private async applyRows(tx: Tx, chunk: CutOverChunk, rows: readonly Row[]): Promise<Applied> {
    switch (chunk.kind) {
      case 'accounts':
        return this.applyAccounts(tx, chunk, rows);
      case 'nostros':
        return this.applyNostros(tx, chunk, rows);
      case 'balances':
        return this.applyOpenings(tx, chunk, rows, { asset: 'currency', amount: 'amount' });
      case 'holdings':
        return this.applyOpenings(tx, chunk, rows, { asset: 'isin', amount: 'quantity' });
      case 'holds':
        return this.applyHolds(tx, chunk, rows);
      case 'standing-orders':
      case 'accrued-interest':
      case 'breaks':
        return this.keep(tx, chunk, rows);
      case 'instruments':
        return this.applyInstruments(tx, rows);
      case 'parties':
      case 'places':
      case 'counterparties':
      case 'ssis':
      case 'prices':
      case 'rates':
      case 'trades':
        throw new Error(`${chunk.kind} are not accounting's`);
    }
  }

  private async applyInstruments(tx: Tx, rows: readonly Row[]): Promise<Applied> {
    await this.assets.register(
      tx,
      rows.map((row) => ({
        asset: row.isin ?? '',
        kind: 'INSTRUMENT',
        scale: Number(row.quantityScale),
        name: row.name ?? '',
      })),
    );
    return { applied: rows.length, refused: [] };
  }

  private async applyAccounts(tx: Tx, { importId }: CutOverChunk, rows: readonly Row[]): Promise<Applied> {
    const scaleOf = await this.scales(tx, rows, 'currency');
    const refused: RefusedRow[] = [];
    const read = rows.flatMap((row, n) => {
      const decision = readAccount(row, importId, scaleOf);
      if (!isRefused(decision)) return [decision.value];
      refused.push(refusedRow(n, decision.problems));
      return [];
    });
    await this.accounts.open(
      tx,
      read.map(({ account }) => account),
      read.flatMap(({ limit }) => (limit ? [limit] : [])),
    );
    return { applied: read.length, refused };
  }

  private async applyNostros(tx: Tx, { importId }: CutOverChunk, rows: readonly Row[]): Promise<Applied> {
    await this.assets.ensureCurrencies(
      tx,
      rows.flatMap((row) => (row.currency ? [row.currency] : [])),
    );
    const refused: RefusedRow[] = [];
    const read = rows.flatMap((row, n) => {
      const decision = readFirmAccount(row, importId);
      if (!isRefused(decision)) return [decision.value];
      refused.push(refusedRow(n, decision.problems));
      return [];
    });
    await this.accounts.open(tx, read);
    return { applied: read.length, refused };
  }

  /** Every opening amount is an entry of its own against the migration account, which is at zero when all are in. */
  private async applyOpenings(
    tx: Tx,
    chunk: CutOverChunk,
    rows: readonly Row[],
    columns: { asset: string; amount: string },
  ): Promise<Applied> {
    const scaleOf = await this.scales(tx, rows, columns.asset);
    const dateOf = await this.openingDates(tx, rows);
    const sides = await this.normalSides(tx, rows);
    const refused: RefusedRow[] = [];
    const items: { row: number; item: PostingItem }[] = [];
    const lots: object[] = [];
    rows.forEach((row, n) => {
      const decision = readOpening(row, columns, scaleOf(row[columns.asset] ?? ''));
      if (isRefused(decision)) {
        refused.push(refusedRow(n, decision.problems));
        return;
      }
      const { book, number, asset, units } = decision.value;
      if (chunk.kind === 'holdings' && row.lotDate) {
        lots.push({
          row: chunk.chunk * 1_000 + n,
          book,
          number,
          asset,
          units: units.toString(),
          lotDate: row.lotDate,
          price: row.lotPrice === '' ? null : row.lotPrice,
        });
      }
      if (units === 0n) return;
      const side = sides.get(`${book}/${number}`);
      const isDebit = (side === 'DEBIT') === units > 0n;
      const size = (units < 0n ? -units : units).toString();
      items.push({
        row: n,
        item: {
          op: 'ENTRY',
          key: `cut-over:${chunk.importId}:${chunk.kind}:${chunk.chunk}:${n}`,
          book,
          kind: 'OPENING_BALANCE',
          businessDate: dateOf(book),
          valueDate: dateOf(book),
          description: `Opening balance of ${number}`,
          subject: { kind: 'CUT_OVER', id: chunk.importId },
          // What was there was there, also below a limit.
          forced: { reason: 'opening balance' },
          postings: isDebit
            ? transferOf(number, 'MIGRATION', asset, size)
            : transferOf('MIGRATION', number, asset, size),
        },
      });
    });
    refused.push(...(await this.book(tx, items)));
    await this.repository.keepLots(tx, chunk.importId, lots);
    return { applied: rows.length - refused.length, refused };
  }

  private async applyHolds(tx: Tx, chunk: CutOverChunk, rows: readonly Row[]): Promise<Applied> {
    const scaleOf = await this.scales(tx, rows, 'currency');
    const refused: RefusedRow[] = [];
    const items: { row: number; item: PostingItem }[] = [];
    rows.forEach((row, n) => {
      const decision = readOpening(row, { asset: 'currency', amount: 'amount' }, scaleOf(row.currency ?? ''));
      if (isRefused(decision)) {
        refused.push(refusedRow(n, decision.problems));
        return;
      }
      const { book, number, asset, units } = decision.value;
      items.push({
        row: n,
        item: {
          op: 'HOLD',
          key: `cut-over:${chunk.importId}:holds:${chunk.chunk}:${n}`,
          book,
          hold: {
            debitAccount: number,
            creditAccount: 'SUSPENSE',
            asset,
            units: units.toString(),
            expiresAt: row.expiresAt ?? '',
            reason: row.reason ?? '',
          },
        },
      });
    });
    refused.push(...(await this.book(tx, items)));
    return { applied: rows.length - refused.length, refused };
  }

  private async keep(tx: Tx, chunk: CutOverChunk, rows: readonly Row[]): Promise<Applied> {
    const scaleOf = await this.scales(tx, rows, 'currency');
    const bookOf = await this.repository.booksOfAccounts(
      tx,
      rows.map((row) => row.account ?? ''),
    );
    const refused: RefusedRow[] = [];
    const kept = rows.flatMap((row, n) => {
      const book = row.book ?? bookOf.get(row.account ?? '');
      if (book === undefined) {
        refused.push({ row: n, code: 'ACCOUNT_NOT_FOUND', message: `There is no account ${row.account ?? ''}` });
        return [];
      }
      if (chunk.kind === 'accrued-interest') return [{ ...row, book }];
      const units = parseDecimal(row.amount ?? '', scaleOf(row.currency ?? '') ?? 0);
      if (!isRefused(units)) return [{ ...row, book, units: units.value.toString() }];
      refused.push(refusedRow(n, units.problems));
      return [];
    });
    if (chunk.kind === 'standing-orders') await this.repository.keepStandingOrders(tx, chunk.importId, kept);
    else if (chunk.kind === 'accrued-interest') await this.repository.keepAccruedInterest(tx, chunk.importId, kept);
    else await this.repository.keepBreaks(tx, chunk.importId, kept);
    return { applied: kept.length, refused };
  }

  private async book(tx: Tx, items: readonly { row: number; item: PostingItem }[]): Promise<RefusedRow[]> {
    const results = await this.posting.post(tx, { items: items.map(({ item }) => item), requestedBy: requester });
    return results.flatMap((result, n) =>
      result.outcome === 'REFUSED'
        ? [{ row: items[n]?.row ?? 0, code: result.code ?? '', message: refusalText(result) }]
        : [],
    );
  }

  private async scales(tx: Tx, rows: readonly Row[], column: string): Promise<(asset: string) => number | undefined> {
    const names = [...new Set(rows.flatMap((row) => (row[column] ? [row[column]] : [])))];
    await this.assets.ensureCurrencies(tx, names);
    const found: ReadonlyMap<string, Asset> = await this.assets.find(tx, names);
    const missing = names.find((name) => !isCurrency(name) && !found.has(name) && column === 'isin');
    if (missing !== undefined) throw new InstrumentsNotYetKnown(`${missing} is not registered yet`);
    return (asset) => found.get(asset)?.scale;
  }

  private async normalSides(tx: Tx, rows: readonly Row[]): Promise<Map<string, 'DEBIT' | 'CREDIT'>> {
    const accounts = await this.accounts.byNumber(tx, [
      ...new Map(
        rows.map((row) => [
          `${row.book ?? ''}/${row.account ?? ''}`,
          { book: row.book ?? '', number: row.account ?? '' },
        ]),
      ).values(),
    ]);
    return new Map(accounts.map((account) => [`${account.book}/${account.number}`, account.normalSide]));
  }

  /** Opening balances are of the last working day that is over on the clock of the book. */
  private async openingDates(tx: Tx, rows: readonly Row[]): Promise<(book: string) => PlainDate> {
    const clock = await tx.row<{ now: Date }>('SELECT kernel.now() AS now');
    const calendars = await this.calendars.current(tx);
    const dates = new Map<string, PlainDate>();
    for (const book of new Set(rows.flatMap((row) => (row.book ? [row.book] : [])))) {
      const today = localDateOf(clock?.now ?? new Date(0), termsOfBook(book).zone);
      dates.set(book, addBusinessDays(calendarOfBook(book, calendars), today, -1));
    }
    return (book) => dates.get(book) ?? '1970-01-01';
  }
}

function rowsOf(chunk: CutOverChunk): Row[] {
  if (chunk.rows) return chunk.rows;
  return chunk.sealedRows === undefined ? [] : (JSON.parse(unsealText(chunk.sealedRows)) as Row[]);
}

function refusedRow(row: number, problems: readonly Problem[]): RefusedRow {
  const first = problems[0] ?? problem('INVALID', 'The row cannot be read');
  return { row, code: first.code, message: problems.map(({ message }) => message).join('; ') };
}
