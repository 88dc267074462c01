import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { currencyExponent } from '#libs/money/index.js';
import { ExpectedFilesService } from '../files/expected-files.service.js';
import { usualSchedule } from '../files/expected-files.js';
import { PositionsService } from '../positions/positions.service.js';
import { StatementsService } from '../statements/statements.service.js';
import { StaticDataService } from '../static-data/static-data.service.js';
import { readUnits } from '../trades/decimal-text.js';
import { ImportedTradesService } from '../trades/imported-trades.service.js';
import { CutOverRepository } from './cut-over.repository.js';
import { type CutOverRow, type CutOverSet, type ownKinds } from './cut-over.js';

export type OwnKind = (typeof ownKinds)[number];

/** What came in is taken as true for as long as anybody can ask. */
const always = '1970-01-01';
const dailyStatements = ['EUR', 'USD', 'GBP'];
const orNull = (text: string | undefined) => (text === undefined || text === '' ? null : text);

/** Writes the kinds that settlement keeps itself. */
@Injectable()
export class CutOverApplyService {
  constructor(
    private readonly repository: CutOverRepository,
    private readonly staticData: StaticDataService,
    private readonly trades: ImportedTradesService,
    private readonly expected: ExpectedFilesService,
    private readonly positions: PositionsService,
    private readonly statements: StatementsService,
  ) {}

  async apply(
    tx: Tx,
    importId: string,
    kind: OwnKind,
    rows: readonly CutOverRow[],
    set: CutOverSet,
    by: string,
  ): Promise<void> {
    const origin = { source: 'CUT_OVER', originId: importId };
    const cells = rows.map((row) => row.cells);
    switch (kind) {
      case 'places':
        await this.staticData.saveVersions(
          tx,
          'place',
          cells.map((one) => ({
            validFrom: always,
            placeId: one.placeId ?? '',
            kind: one.kind ?? '',
            bic: orNull(one.bic),
            name: one.name ?? '',
            zone: one.zone ?? '',
            calendarId: one.calendar ?? '',
            dvpCutOff: one.dvpCutOff ?? '',
            fopCutOff: one.fopCutOff ?? '',
            depotAccount: orNull(one.depotAccount),
            cashAccount: orNull(one.cashAccount),
            bookId: orNull(one.book) ?? '*',
          })),
          origin,
        );
        return;
      case 'instruments':
        await this.staticData.saveVersions(
          tx,
          'instrument',
          cells.map((one) => ({
            validFrom: always,
            isin: one.isin ?? '',
            name: one.name ?? '',
            assetClass: one.assetClass ?? '',
            market: one.market ?? '',
            currency: one.currency ?? '',
            quantityScale: Number(one.quantityScale),
            priceFactor: one.priceFactor ?? '1',
            cfi: orNull(one.cfi),
            placeId: one.place ?? '',
            status: one.status ?? '',
            tradingCalendar: orNull(one.tradingCalendar),
            settlementCycleDays: Number(one.settlementCycleDays),
          })),
          origin,
        );
        return;
      case 'counterparties':
        await this.staticData.saveVersions(
          tx,
          'counterparty',
          cells.map((one) => ({
            validFrom: always,
            counterpartyId: one.counterpartyId ?? '',
            partyId: one.partyId ?? '',
            name: one.name ?? '',
            bic: one.bic ?? '',
            kind: one.kind ?? '',
          })),
          origin,
        );
        return;
      case 'ssis':
        await this.staticData.saveVersions(
          tx,
          'ssi',
          cells.map((one) => ({
            validFrom: one.validFrom ?? always,
            ssiId: one.ssiId ?? '',
            counterpartyId: one.counterpartyId ?? '',
            market: one.market ?? '',
            placeId: one.place ?? '',
            agentBic: one.agentBic ?? '',
            safekeepingAccount: one.safekeepingAccount ?? '',
            cashAccount: orNull(one.cashAccount),
          })),
          origin,
        );
        return;
      case 'prices':
        await this.staticData.savePrices(
          tx,
          cells.map((one) => ({
            isin: one.isin ?? '',
            priceDate: one.priceDate ?? '',
            price: one.price ?? '',
            currency: one.currency ?? '',
            source: one.source ?? '',
          })),
          importId,
        );
        return;
      case 'rates':
        await this.staticData.saveRates(
          tx,
          cells.map((one) => ({
            base: one.base ?? '',
            quote: one.quote ?? '',
            rateDate: one.rateDate ?? '',
            rate: one.rate ?? '',
            source: one.source ?? '',
          })),
          importId,
        );
        return;
      case 'accounts':
        await this.staticData.saveVersions(
          tx,
          'clientAccount',
          cells.map((one) => ({
            validFrom: always,
            account: one.account ?? '',
            partyId: one.partyId ?? '',
            bookId: one.book ?? '',
            kind: one.kind ?? '',
            currency: orNull(one.currency),
            state: one.state ?? '',
          })),
          origin,
        );
        return;
      case 'nostros':
        await this.applyNostros(tx, importId, rows, set);
        return;
      case 'holdings':
        await this.applyHoldings(tx, importId, rows, set);
        return;
      case 'trades':
        await this.trades.importTrades(tx, importId, cells, by);
        return;
      case 'breaks':
        await this.keepBreaks(tx, importId, rows, set);
        return;
    }
  }

  private async applyNostros(tx: Tx, importId: string, rows: readonly CutOverRow[], set: CutOverSet): Promise<void> {
    const opening = new Map(
      set.balances.map(({ cells }) => [`${cells.account}|${cells.book}|${cells.currency}`, cells.amount ?? '0']),
    );
    const nostros = rows.flatMap(({ cells }) =>
      cells.kind === 'NOSTRO' && cells.currency
        ? [
            {
              account: cells.account ?? '',
              book: cells.book ?? '',
              currency: cells.currency,
              channel: cells.statementChannel ?? '',
              agentBic: cells.agentBic ?? '',
            },
          ]
        : [],
    );
    const openingDate = await this.today(tx);
    await this.statements.importNostros(
      tx,
      nostros.map((one) => ({
        account: one.account,
        bookId: one.book,
        currency: one.currency,
        channel: one.channel,
        agentBic: one.agentBic,
        openingMinor: unitsOf(
          opening.get(`${one.account}|${one.book}|${one.currency}`) ?? '0',
          currencyExponent(one.currency),
        ),
        openingDate,
        importId,
      })),
    );
    const home = nostros.find(({ currency }) => currency === 'EUR')?.book ?? nostros[0]?.book;
    if (home === undefined) return;
    const zone = set.places.find(({ cells }) => cells.book === home)?.cells.zone ?? 'Europe/Berlin';
    const statements = dailyStatements.flatMap((currency) => {
      const book = nostros.find((one) => one.currency === currency && one.channel !== '')?.book;
      return book === undefined ? [] : [{ book, currency }];
    });
    await this.expected.saveSchedule(tx, usualSchedule(home, zone, statements));
  }

  private async applyHoldings(tx: Tx, importId: string, rows: readonly CutOverRow[], set: CutOverSet): Promise<void> {
    const clients = new Set(set.accounts.map(({ cells }) => cells.account));
    const scales = new Map(set.instruments.map(({ cells }) => [cells.isin, Number(cells.quantityScale)]));
    const holdingDate = await this.today(tx);
    await this.positions.importHoldings(
      tx,
      rows.flatMap(({ cells }) =>
        clients.has(cells.account)
          ? [
              {
                account: cells.account ?? '',
                bookId: cells.book ?? '',
                isin: cells.isin ?? '',
                quantityUnits: unitsOf(cells.quantity ?? '', scales.get(cells.isin) ?? 0),
                holdingDate,
                importId,
              },
            ]
          : [],
      ),
    );
  }

  private async keepBreaks(tx: Tx, importId: string, rows: readonly CutOverRow[], set: CutOverSet): Promise<void> {
    const bookOf = new Map([...set.accounts, ...set.nostros].map(({ cells }) => [cells.account, cells.book ?? '']));
    await this.repository.keep(
      tx,
      importId,
      'breaks',
      rows.map(({ line, cells }) => ({
        line,
        book: bookOf.get(cells.account) ?? '',
        objectId: cells.breakId ?? '',
        content: cells,
      })),
    );
  }

  async remove(tx: Tx, importId: string): Promise<void> {
    await this.staticData.supersedeOrigin(tx, importId);
    await this.positions.removeImport(tx, importId);
    await this.statements.removeImport(tx, importId);
    await this.repository.removeOwn(tx, importId);
  }

  private async today(tx: Tx): Promise<string> {
    const row = await tx.row<{ today: string }>('SELECT kernel.now()::date AS today');
    return row?.today ?? always;
  }
}

/** A validated cell; what cannot be read is a fault of the validation, not of the file. */
function unitsOf(text: string, scale: number): bigint {
  const read = readUnits(text, scale);
  if (read.fault) throw new Error(`a validated amount is ${read.fault}`);
  return read.units;
}
