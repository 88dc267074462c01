import { Args, Query, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import { DateScalar, DayFigureType, ReadTx, RequiresScopes } from '#libs/graphql/index.js';

const camelCase = (kind: string) =>
  kind.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

@Resolver()
export class FiguresResolver {
  @Query(() => [DayFigureType], {
    description: 'What was booked on a business date: entries and postings per kind of entry.',
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
    return rows.flatMap(({ kind, entries, postings }) => [
      { row: 'entries', part: camelCase(kind), currency: null, count: entries, value: null, references: [] },
      { row: 'postings', part: camelCase(kind), currency: null, count: postings, value: null, references: [] },
    ]);
  }
}
