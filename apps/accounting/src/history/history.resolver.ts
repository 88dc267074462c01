import { Args, Query, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import {
  ConnectionArgs,
  DateScalar,
  DateTimeScalar,
  keyset,
  keysetPage,
  ReadTx,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { towardsNormalSide } from '../accounts/accounts.js';
import { toStatementEntry } from '../statements/statement-types.js';
import { type StatementRow } from '../statements/statements.repository.js';
import { Statements } from '../statements/statements.service.js';
import { BalanceAtType, StatementEntryConnection } from './history.graphql.js';
import { HistoryRepository } from './history.repository.js';

@Resolver()
export class HistoryResolver {
  constructor(
    private readonly history: HistoryRepository,
    private readonly statements: Statements,
  ) {}

  @Query(() => BalanceAtType, {
    nullable: true,
    description:
      'A balance on both axes: of what had its value by a date, what had been booked by a moment. Null when the account never held the asset.',
  })
  @RequiresScopes('ledger:read')
  async balanceAt(
    @Args('book', { type: () => String }) book: string,
    @Args('account', { type: () => String }) account: string,
    @Args('asset', { type: () => String }) asset: string,
    @Args('valueDate', { type: () => DateScalar, nullable: true }) valueDate: string | null,
    @Args('knownAt', { type: () => DateTimeScalar, nullable: true }) knownAt: Date | null,
    @ReadTx() tx: Tx,
  ): Promise<BalanceAtType | null> {
    const found = await this.statements.ledgerAccount(tx, book, account, asset);
    if (!found) return null;
    const { debit, credit } = await this.history.balanceAt(tx, found.id, valueDate ?? null, knownAt ?? null);
    const text = (units: bigint) => formatDecimal(units, found.scale);
    return {
      book,
      account,
      asset,
      valueDate: valueDate ?? null,
      knownAt: knownAt ?? null,
      balance: text(towardsNormalSide(debit - credit, found.normalSide)),
      debit: text(debit),
      credit: text(credit),
    };
  }

  @Query(() => StatementEntryConnection, {
    nullable: true,
    description:
      'Every posting of an account in an asset with the balance it led to, the newest first. Null when it never held the asset.',
  })
  @RequiresScopes('ledger:read')
  async accountHistory(
    @Args() page: ConnectionArgs,
    @Args('book', { type: () => String }) book: string,
    @Args('account', { type: () => String }) account: string,
    @Args('asset', { type: () => String }) asset: string,
    @ReadTx() tx: Tx,
  ): Promise<StatementEntryConnection | null> {
    const found = await this.statements.ledgerAccount(tx, book, account, asset);
    if (!found) return null;
    const cursor = keyset<StatementRow>({ list: 'accountHistory', filter: { book, account, asset } }, (row) => [
      row.sequence,
    ]);
    const rows = await this.history.lines(tx, found.id, page.first, cursor.after(page.after)?.[0]);
    return keysetPage(rows, page.first, cursor.cursorOf, (row) => toStatementEntry(row, found));
  }
}
