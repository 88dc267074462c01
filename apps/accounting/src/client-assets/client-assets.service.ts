import { Injectable, Logger } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { instantOf, type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { isTransientFault, newId } from '#libs/kernel/index.js';
import { currencyExponent } from '#libs/money/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { functionalCurrencyOf, termsOfBook } from '../business-days/books.js';
import { type Pool, prove } from './client-assets.js';
import { ClientAssetsRepository, type NewLine } from './client-assets.repository.js';
import { ShortfallCovers } from './shortfall-covers.service.js';
import { type ShortfallRow, ShortfallsRepository } from './shortfalls.repository.js';
import { worthOf } from './worth.js';

export interface Calculated {
  readonly calculationId: string;
  readonly version: number;
  readonly lines: number;
  readonly shortfalls: number;
}

export const shortfallItemKey = (shortfallId: string): string => `shortfall:${shortfallId}`;

const ownerTeam = 'controllers';

/** The daily proof: both sides of every pool, kept as they were found, and whatever is missing made somebody's work. */
@Injectable()
export class ClientAssets {
  private readonly logger = new Logger('ClientAssets');

  constructor(
    private readonly repository: ClientAssetsRepository,
    private readonly shortfalls: ShortfallsRepository,
    private readonly workItems: WorkItems,
    private readonly audit: AuditTrail,
    private readonly covers: ShortfallCovers,
  ) {}

  /** Kept as a new version of the date, whatever it finds: a shortfall stops no date, it has to be covered on it. */
  async calculate(tx: Tx, book: string, businessDate: PlainDate, by: string): Promise<Calculated> {
    await this.repository.lock(tx, book);
    const functionalCurrency = functionalCurrencyOf(book);
    const positions = await this.repository.positions(tx, book, businessDate);
    const proved = positions.map((position) => ({ position, proof: prove(position) }));
    const worths = await this.worths(
      tx,
      book,
      businessDate,
      proved.flatMap(({ proof: { pool, asset, differenceUnits } }) =>
        differenceUnits < 0n ? [{ pool, asset, units: -differenceUnits }] : [],
      ),
    );
    const lines = proved.map((one): NewLine => ({ ...one, worthMinor: worths.get(keyOf(one.proof)) ?? null }));
    const calculationId = newId('cac');
    const version = await this.repository.store(tx, { calculationId, book, businessDate, functionalCurrency }, lines);
    const missing = lines.filter(({ proof }) => proof.differenceUnits < 0n);
    await this.follow(tx, { calculationId, book, businessDate, functionalCurrency }, missing, by);
    await this.audit.append(tx, {
      action: 'CLIENT_ASSETS_CALCULATED',
      objectKind: 'CLIENT_ASSET_CALCULATION',
      objectId: calculationId,
      bookId: book,
      principal: by,
      after: {
        businessDate,
        version,
        lines: lines.length,
        missing: missing.map(({ proof }) => `${keyOf(proof)} ${-proof.differenceUnits}`),
      },
    });
    return { calculationId, version, lines: lines.length, shortfalls: missing.length };
  }

  /** Beside the phases of a day: what goes wrong in it is somebody's work and holds up no date. */
  async calculateBeside(tx: Tx, book: string, businessDate: PlainDate, by: string): Promise<void> {
    await tx.execute('SAVEPOINT client_assets');
    try {
      await this.calculate(tx, book, businessDate, by);
      await tx.execute('SET CONSTRAINTS accounting.client_asset_line_is_proved IMMEDIATE');
      await tx.execute('SET CONSTRAINTS accounting.client_asset_line_is_proved DEFERRED');
      await tx.execute('RELEASE SAVEPOINT client_assets');
    } catch (error) {
      if (isTransientFault(error)) throw error;
      await tx.execute('ROLLBACK TO SAVEPOINT client_assets');
      const message = error instanceof Error ? error.message : String(error);
      this.logger.error(`client assets of ${book} on ${businessDate}: ${message}`);
      await this.workItems.open(
        tx,
        {
          key: `client-assets:${book}:${businessDate}`,
          kind: 'CLIENT_ASSETS_NOT_CALCULATED',
          category: 'OTHER',
          objectKind: 'BUSINESS_DAY',
          objectId: `${book}/${businessDate}`,
          reference: businessDate,
          reasonCode: 'CALCULATION_FAILED',
          bookId: book,
          ownerTeam,
          dueAt: instantOf(businessDate, '23:59', termsOfBook(book).zone),
          nextAction: `Calculate the client assets of ${businessDate} again: ${message}`.slice(0, 280),
        },
        by,
      );
    }
  }

  private async worths(
    tx: Tx,
    book: string,
    businessDate: PlainDate,
    missing: readonly { pool: Pool; asset: string; units: bigint }[],
  ): Promise<Map<string, bigint>> {
    if (missing.length === 0) return new Map();
    const assets = missing.map(({ asset }) => asset);
    const scales = await this.repository.scales(tx, assets);
    const { prices, rates } = await this.repository.figures(tx, book, businessDate, assets);
    const currency = functionalCurrencyOf(book);
    const functional = { currency, exponent: currencyExponent(currency) };
    return new Map(
      missing.flatMap(({ pool, asset, units }): [string, bigint][] => {
        const price = prices.get(asset);
        const kind = pool === 'MONEY' ? { currency: asset } : price ? { price } : {};
        const worth = worthOf({ units, scale: scales.get(asset) ?? 0, ...kind }, functional, rates);
        return worth === undefined ? [] : [[keyOf({ pool, asset }), worth]];
      }),
    );
  }

  /** What is missing is opened or goes on; what is no longer missing is cured. */
  private async follow(
    tx: Tx,
    found: { calculationId: string; book: string; businessDate: PlainDate; functionalCurrency: string },
    missing: readonly NewLine[],
    by: string,
  ): Promise<void> {
    const { book, businessDate, functionalCurrency, calculationId } = found;
    const known = new Map((await this.shortfalls.open(tx, book)).map((one) => [keyOf(one), one]));
    const opened: ShortfallRow[] = [];
    for (const { proof, worthMinor } of missing) {
      const open = known.get(keyOf(proof));
      known.delete(keyOf(proof));
      const now = { units: -proof.differenceUnits, cause: proof.cause ?? '', worthMinor, calculationId };
      if (open) await this.shortfalls.goesOn(tx, open.shortfallId, now);
      else
        opened.push(
          await this.shortfalls.add(tx, {
            ...now,
            book,
            pool: proof.pool,
            asset: proof.asset,
            openedOn: businessDate,
            functionalCurrency,
          }),
        );
    }
    for (const cured of known.values()) {
      await this.shortfalls.cure(tx, cured.shortfallId, businessDate, calculationId);
      await this.workItems.close(tx, shortfallItemKey(cured.shortfallId), 'nothing is missing any more', by);
    }
    await this.covers.releaseCured(tx, book, calculationId, by);
    const dueAt = instantOf(businessDate, '23:59', termsOfBook(book).zone);
    await this.workItems.openMany(
      tx,
      opened.map((one) => ({
        key: shortfallItemKey(one.shortfallId),
        kind: 'CLIENT_ASSET_SHORTFALL',
        category: 'SHORTFALL' as const,
        objectKind: 'SHORTFALL',
        objectId: one.shortfallId,
        reference: one.asset,
        reasonCode: one.cause,
        bookId: book,
        valueAtRisk:
          one.worthMinor === null ? undefined : { currency: functionalCurrency, amountMinor: BigInt(one.worthMinor) },
        ownerTeam,
        dueAt,
        nextAction: `Cover what clients are short of in ${one.asset} with the firm's own money today, find out why, and have it put right`,
      })),
      by,
    );
  }
}

const keyOf = ({ pool, asset }: { pool: Pool; asset: string }): string => `${pool}/${asset}`;
