import { Args, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import { DateScalar, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { isRefused, problem } from '#libs/kernel/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { towardsNormalSide } from '../accounts/accounts.js';
import { Accounts } from '../accounts/accounts.service.js';
import { toStatementEntry } from './statement-types.js';
import { proveStatement } from './statement.js';
import { AccountStatementResult, TrialBalanceLineType, TrialBalanceType } from './statements.graphql.js';
import { StatementsRepository, type TrialBalanceRow } from './statements.repository.js';

/** More than this is a file, not an answer. */
const entriesMax = 10_000;

@Resolver(() => TrialBalanceType)
export class StatementsResolver {
  constructor(
    private readonly statements: StatementsRepository,
    private readonly accounts: Accounts,
  ) {}

  @Query(() => AccountStatementResult, {
    description: 'By business date, both included. A statement that does not prove itself is not issued.',
  })
  @RequiresScopes('ledger:read')
  async statement(
    @Args('account', { type: () => String }) account: string,
    @Args('asset', { type: () => String }) asset: string,
    @Args('from', { type: () => DateScalar }) from: string,
    @Args('to', { type: () => DateScalar }) to: string,
    @Args('book', {
      type: () => String,
      nullable: true,
      description: 'Needed only where the number stands in several books.',
    })
    given: string | null,
    @ReadTx() tx: Tx,
  ): Promise<AccountStatementResult> {
    if (to < from)
      return { statement: null, problems: [problem('INVALID_PERIOD', 'The period ends before it begins', ['to'])] };
    const books = given ? [given] : await this.accounts.booksOfNumber(tx, account);
    const [book, another] = books;
    if (another !== undefined)
      return { statement: null, problems: [problem('BOOK_NEEDED', `${account} stands in several books`, ['book'])] };
    const found = book === undefined ? undefined : await this.statements.ledgerAccount(tx, book, account, asset);
    if (book === undefined || !found) {
      return {
        statement: null,
        problems: [problem('ACCOUNT_NOT_FOUND', `There is no ${account} in ${asset}`, ['account'])],
      };
    }
    const before = await this.statements.before(tx, found.id, from);
    const rows = await this.statements.lines(tx, found.id, from, to, entriesMax + 1);
    if (rows.length > entriesMax)
      return {
        statement: null,
        problems: [problem('TOO_MANY_ENTRIES', `More than ${entriesMax} entries; shorten the period`, ['from'])],
      };
    const proved = proveStatement(
      before && { sequence: BigInt(before.sequence), balanceAfter: BigInt(before.balanceAfter) },
      rows.map((row) => ({
        sequence: BigInt(row.sequence),
        units: BigInt(row.units),
        balanceAfter: BigInt(row.balanceAfter),
      })),
    );
    if (isRefused(proved)) return { statement: null, problems: [...proved.problems] };
    const text = (units: bigint) => formatDecimal(units, found.scale);
    const normal = (units: bigint) => text(towardsNormalSide(units, found.normalSide));
    const { opening, closing, debits, credits } = proved.value;
    return {
      problems: [],
      statement: {
        book,
        account,
        asset,
        from,
        to,
        opening: normal(opening),
        closing: normal(closing),
        debits: text(debits),
        credits: text(credits),
        entries: rows.map((row) => toStatementEntry(row, found)),
      },
    };
  }

  @Query(() => TrialBalanceType)
  @RequiresScopes('ledger:read')
  async trialBalance(
    @Args('book', { type: () => String }) book: string,
    @Args('businessDate', { type: () => DateScalar }) businessDate: string,
    @ReadTx() tx: Tx,
  ): Promise<TrialBalanceType> {
    const rows = await this.statements.trialBalance(tx, book, businessDate);
    const seal = await this.statements.seal(tx, book, businessDate);
    const byAsset = new Map<
      string,
      { scale: number; debit: bigint; credit: bigint; debitTotal: bigint; creditTotal: bigint; accounts: number }
    >();
    for (const row of rows) {
      const sum = byAsset.get(row.asset) ?? {
        scale: row.scale,
        debit: 0n,
        credit: 0n,
        debitTotal: 0n,
        creditTotal: 0n,
        accounts: 0,
      };
      const { debit, credit } = sidesOf(row);
      byAsset.set(row.asset, {
        ...sum,
        debit: sum.debit + debit,
        credit: sum.credit + credit,
        debitTotal: sum.debitTotal + BigInt(row.debit),
        creditTotal: sum.creditTotal + BigInt(row.credit),
        accounts: sum.accounts + 1,
      });
    }
    return {
      book,
      businessDate,
      sealedRoot: seal?.rootHash ?? null,
      sealedEntries: seal ? Number(seal.entryCount) : null,
      assets: [...byAsset].map(([asset, { scale, debit, credit, debitTotal, creditTotal, accounts }]) => ({
        asset,
        debit: formatDecimal(debit, scale),
        credit: formatDecimal(credit, scale),
        debitTotal: formatDecimal(debitTotal, scale),
        creditTotal: formatDecimal(creditTotal, scale),
        accounts,
      })),
      rows: rows.map((row) => {
        const { debit, credit } = sidesOf(row);
        return {
          account: row.number,
          kind: row.kind,
          asset: row.asset,
          debit: formatDecimal(debit, row.scale),
          credit: formatDecimal(credit, row.scale),
        };
      }),
    };
  }

  @ResolveField(() => [TrialBalanceLineType], { description: 'Per account; of one asset when it is named.' })
  lines(
    @Parent() trialBalance: TrialBalanceType,
    @Args('asset', { type: () => String, nullable: true }) asset: string | null,
  ): TrialBalanceLineType[] {
    return asset ? trialBalance.rows.filter((row) => row.asset === asset) : trialBalance.rows;
  }
}

/** A balance stands on one side. */
function sidesOf(row: TrialBalanceRow): { debit: bigint; credit: bigint } {
  const balance = BigInt(row.debit) - BigInt(row.credit);
  return balance >= 0n ? { debit: balance, credit: 0n } : { debit: 0n, credit: -balance };
}
