import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { canonicalJson, sha256Hex } from '#libs/kernel/index.js';
import { currencyExponent } from '#libs/money/index.js';
import { StaticDataService } from '../static-data/static-data.service.js';
import { tradeIdOf } from './capture.js';
import { plainDecimal, readUnits } from './decimal-text.js';
import { enrich } from './enrichment.js';
import { factsOf, homePlace, type TradeLine } from './trade-line.js';
import { type AssetClass, type Market, type Side } from './trade.js';
import { TradesRepository, type TradeToStore } from './trades.repository.js';

/** Open trades of an institution that moves in: affirmed, or failing since a date, which is affirmed and eligible. */
@Injectable()
export class ImportedTradesService {
  constructor(
    private readonly repository: TradesRepository,
    private readonly staticData: StaticDataService,
  ) {}

  async importTrades(
    tx: Tx,
    importId: string,
    rows: readonly Readonly<Record<string, string>>[],
    by: string,
  ): Promise<void> {
    const facts = await this.staticData.factsFor(tx, {
      isins: rows.map(({ isin }) => isin ?? ''),
      counterpartyIds: rows.map(({ counterparty }) => counterparty ?? ''),
      accounts: rows.map(({ clientAccount }) => clientAccount ?? ''),
    });
    const trades = rows.map((cells): TradeToStore => {
      const isin = cells.isin ?? '';
      const currency = cells.currency ?? '';
      const quantityScale = facts.instrument(isin)?.quantityScale ?? 0;
      const place = facts.place(cells.place ?? '');
      const isInternal = place?.kind === 'INTERNAL';
      const market = cells.market as Market;
      const bookId = isInternal ? facts.place(homePlace[market])?.bookId : place?.bookId;
      if (bookId === undefined) throw new Error(`no place ${cells.place}`);
      const line: TradeLine = {
        source: cells.source ?? '',
        executionId: cells.executionId ?? '',
        version: 1,
        action: 'NEW',
        tradedAt: null,
        tradeDate: cells.tradeDate ?? '',
        settlementDate: cells.settlementDate ?? '',
        side: cells.side as Side,
        kind: cells.kind as 'DVP' | 'FOP',
        assetClass: cells.assetClass as AssetClass,
        market,
        isin,
        quantityUnits: unitsOf(cells.quantity ?? '', quantityScale),
        quantityScale,
        price: cells.price ? plainDecimal(cells.price) : null,
        currency,
        amountMinor: cells.amount ? unitsOf(cells.amount, currencyExponent(currency)) : 0n,
        clientAccount: cells.clientAccount ?? '',
        counterpartyId: isInternal ? null : (cells.counterparty ?? null),
        counterpartyAccount: isInternal ? (cells.counterparty ?? null) : null,
        counterpartyName: null,
        placeId: cells.place ?? '',
        bookId,
        isBlock: false,
      };
      return {
        tradeId: tradeIdOf(line.source, line.executionId),
        line,
        state: 'AFFIRMED',
        enrichment: enrich({ ...line, hasFreeText: false }, facts),
        businessDate: line.tradeDate,
        isProcessed: true,
        counterpartySealed: null,
        fileId: null,
        importId,
        carriedFail: cells.state === 'FAILING',
        carriedFailSince: cells.carriedFailSince ? cells.carriedFailSince : null,
        isConfirmed: true,
        capturedBy: by,
        isScreeningSent: false,
      };
    });
    await this.repository.insertVersions(
      tx,
      trades.map(({ tradeId, line }) => {
        const payload = factsOf(line);
        return {
          tradeId,
          source: line.source,
          executionId: line.executionId,
          version: 1,
          action: 'NEW' as const,
          bookId: line.bookId,
          payload,
          payloadHash: sha256Hex(canonicalJson(payload)),
          freeText: null,
        };
      }),
      importId,
      by,
    );
    await this.repository.insertTrades(tx, trades);
  }
}

function unitsOf(text: string, scale: number): bigint {
  const read = readUnits(text, scale);
  if (read.fault) throw new Error(`a validated number is ${read.fault}`);
  return read.units;
}
