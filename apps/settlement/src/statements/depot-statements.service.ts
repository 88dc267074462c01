import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type HoldingsStatement, readHoldingsStatement, unitsFromDecimal } from '#libs/iso20022/index.js';
import { canonicalJson, idFrom, problem, type Problem, sha256Hex } from '#libs/kernel/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { ExchangeHandlersService, type InboundMessage, messageItemKey } from '../exchange/exchange-handlers.service.js';
import { StaticDataService } from '../static-data/static-data.service.js';
import { depotStatementProblems } from './depot-statement.js';
import { StatedAccountsService } from './stated-accounts.service.js';

interface Depot {
  readonly account: string;
  readonly placeId: string;
  readonly bookId: string;
}

/** Statements of our depots at places: each is kept whole, and told to the ledger when it may be used. */
@Injectable()
export class DepotStatementsService implements OnModuleInit {
  constructor(
    private readonly handlers: ExchangeHandlersService,
    private readonly staticData: StaticDataService,
    private readonly stated: StatedAccountsService,
    private readonly audit: AuditTrail,
    private readonly workItems: WorkItems,
  ) {}

  onModuleInit(): void {
    this.handlers.register('semt.002', (tx, messages) => this.receive(tx, messages));
  }

  async receive(tx: Tx, messages: readonly InboundMessage[]): Promise<Map<string, readonly Problem[]>> {
    const refused = new Map<string, readonly Problem[]>();
    for (const message of messages) {
      const read = readHoldingsStatement(message.document);
      const problems = read.ok ? await this.take(tx, read.value, message) : read.problems;
      if (problems.length > 0) refused.set(message.messageId, problems);
    }
    return refused;
  }

  /** What is wrong with it; nothing also when the same statement came before. */
  private async take(
    tx: Tx,
    statement: HoldingsStatement,
    { channel, messageId }: InboundMessage,
  ): Promise<readonly Problem[]> {
    const { account, date } = statement;
    // Locked: two statements of one depot are taken one after the other.
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('depot-statement:' || $1, 0))`, [account]);
    const depot = await tx.row<Depot>(
      `SELECT depot_account AS account, place_id AS "placeId", book_id AS "bookId" FROM settlement.place
        WHERE depot_account = $1 AND superseded_at IS NULL ORDER BY valid_from DESC LIMIT 1`,
      [account],
    );
    if (depot === undefined)
      return [problem('UNKNOWN_ACCOUNT', `${account} is none of our depots.`, ['SctiesBalCtdyRpt', 'SfkpgAcct'])];
    if (depot.placeId !== channel)
      return [problem('OTHER_PLACE', `${account} is not kept by ${channel}.`, ['SctiesBalCtdyRpt', 'SfkpgAcct'])];
    const contentHash = sha256Hex(canonicalJson(JSON.parse(JSON.stringify(statement))));
    const same = await tx.row('SELECT 1 FROM settlement.depot_statement WHERE account = $1 AND content_hash = $2', [
      account,
      contentHash,
    ]);
    if (same !== undefined) return [];
    const last = await tx.row<{ number: number; reportNumber: number | null; date: PlainDate }>(
      `SELECT number, report_number AS "reportNumber", statement_date AS date FROM settlement.depot_statement
        WHERE account = $1 AND state = 'ACCEPTED' ORDER BY number DESC LIMIT 1`,
      [account],
    );
    const { known, faults } = await this.unitsOf(tx, statement);
    const problems = [...depotStatementProblems(statement, last), ...faults];
    const isAccepted = problems.length === 0;
    const number = isAccepted ? (last?.number ?? 0) + 1 : null;
    const statementId = idFrom('stm', account, contentHash);
    await tx.execute(
      `INSERT INTO settlement.depot_statement (statement_id, account, book_id, state, number, report_number, message_id, channel, statement_date,
         holding_count, content_hash, problems)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb)`,
      [
        statementId,
        account,
        depot.bookId,
        isAccepted ? 'ACCEPTED' : 'REFUSED',
        number,
        statement.number ?? null,
        messageId,
        channel,
        date,
        statement.holdings.length,
        contentHash,
        JSON.stringify(problems),
      ],
    );
    if (number !== null) await this.keepHoldings(tx, statementId, depot.bookId, statement);
    await this.audit.append(tx, {
      action: isAccepted ? 'depot-statement.accepted' : 'depot-statement.refused',
      objectKind: 'DEPOT_STATEMENT',
      objectId: statementId,
      bookId: depot.bookId,
      principal: `exchange:${channel}`,
      ...(problems[0] === undefined ? {} : { reason: problems[0].code }),
      after: { account, number, contentHash },
    });
    if (number !== null) {
      await this.corrected(tx, account, channel);
      await this.stated.tellDepot(tx, { statementId, account, book: depot.bookId, number, statementDate: date }, known);
    }
    return problems;
  }

  /** Holdings at the scale of their instrument. One of an instrument that nobody here knows is stored, and no more. */
  private async unitsOf(
    tx: Tx,
    { holdings, date }: HoldingsStatement,
  ): Promise<{ known: { isin: string; units: bigint }[]; faults: Problem[] }> {
    const instruments = await this.staticData.instrumentsOf(
      tx,
      holdings.map(({ isin }) => isin),
      date,
    );
    const faults: Problem[] = [];
    const known = holdings.flatMap(({ isin, quantity, isShort }, index) => {
      const instrument = instruments.get(isin);
      if (instrument === undefined) return [];
      const units = unitsFromDecimal(quantity.text, instrument.quantityScale);
      if (units !== undefined) return [{ isin, units: isShort ? -units : units }];
      faults.push(
        problem('EXCESS_SCALE', `${isin} has ${instrument.quantityScale} decimals; "${quantity.text}" has more.`, [
          'SctiesBalCtdyRpt',
          `BalForAcct[${index + 1}]`,
        ]),
      );
      return [];
    });
    return { known, faults };
  }

  private async keepHoldings(tx: Tx, statementId: string, bookId: string, statement: HoldingsStatement): Promise<void> {
    await tx.execute(
      `INSERT INTO settlement.depot_statement_holding (statement_id, n, book_id, isin, quantity, quantity_kind)
       SELECT $1, r.n, $2, r.isin, r.quantity, r.kind FROM jsonb_to_recordset($3::jsonb) AS r(n int, isin text, quantity numeric, kind text)`,
      [
        statementId,
        bookId,
        JSON.stringify(
          statement.holdings.map(({ isin, isShort, quantity }, index) => ({
            n: index + 1,
            isin,
            quantity: isShort ? `-${quantity.text}` : quantity.text,
            kind: quantity.kind,
          })),
        ),
      ],
    );
  }

  /** The depot goes on: whatever was refused of it before has had its correction. */
  private async corrected(tx: Tx, account: string, channel: string): Promise<void> {
    const refused = await tx.rows<{ messageId: string }>(
      `SELECT DISTINCT message_id AS "messageId" FROM settlement.depot_statement WHERE account = $1 AND channel = $2 AND state = 'REFUSED'`,
      [account, channel],
    );
    await this.workItems.closeMany(
      tx,
      refused.map(({ messageId }) => messageItemKey(channel, messageId)),
      'a statement that continues the depot has come',
      `exchange:${channel}`,
    );
  }
}
