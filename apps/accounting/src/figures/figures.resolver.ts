import { Args, Query, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';
import { DateScalar, DayFigureType, ReadTx, RequiresScopes } from '#libs/graphql/index.js';

const camelCase = (kind: string) =>
  kind.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

@Resolver()
export class FiguresResolver {
  @Query(() => [DayFigureType], {
    description:
      'What was booked on a business date, entries and postings per kind of entry; and what clients are short of at its end.',
  })
  @RequiresScopes('days:read')
  async accountingDayFigures(
    @Args('businessDate', { type: () => DateScalar }) businessDate: string,
    @ReadTx() tx: Tx,
  ): Promise<DayFigureType[]> {
    const rows = await tx.rows<{ kind: string; entries: number; postings: number }>(
      `SELECT kind, count(*)::int AS entries, sum(posting_count)::int AS postings FROM accounting.journal_entry
        WHERE business_date = $1 GROUP BY kind ORDER BY kind`,
      [businessDate],
    );
    return [
      ...(await this.shortfallFigures(tx, businessDate)),
      ...rows.flatMap(({ kind, entries, postings }) => [
        { row: 'entries', part: camelCase(kind), currency: null, count: entries, value: null, references: [] },
        { row: 'postings', part: camelCase(kind), currency: null, count: postings, value: null, references: [] },
      ]),
    ];
  }

  /** By the last calculation of the date, or of the last one before it of a book that does not work on it. */
  private async shortfallFigures(tx: Tx, businessDate: string): Promise<DayFigureType[]> {
    const rows = await tx.rows<{
      pool: 'MONEY' | 'CUSTODY';
      asset: string;
      worthMinor: string | null;
      currency: string;
    }>(
      `WITH last AS (
         SELECT DISTINCT ON (book_id) calculation_id, functional_currency FROM accounting.client_asset_calculation
          WHERE business_date <= $1 ORDER BY book_id, business_date DESC, version DESC)
       SELECT l.pool, l.asset, l.worth_minor AS "worthMinor", last.functional_currency AS currency
         FROM accounting.client_asset_line l JOIN last USING (calculation_id) WHERE l.difference_units < 0 ORDER BY l.pool, l.asset`,
      [businessDate],
    );
    const figures = rows.map(({ pool, asset, worthMinor, currency }) => ({
      row: 'shortfalls',
      part: pool === 'MONEY' ? 'clientMoney' : 'shares',
      currency,
      count: 1,
      value: worthMinor === null ? null : formatDecimal(BigInt(worthMinor), currencyExponent(currency)),
      references: [asset],
    }));
    // Nothing missing is a figure too.
    const none = ['shares', 'clientMoney'].filter((part) => !figures.some((one) => one.part === part));
    return [
      ...figures,
      ...none.map((part) => ({ row: 'shortfalls', part, currency: null, count: 0, value: null, references: [] })),
    ];
  }
}
