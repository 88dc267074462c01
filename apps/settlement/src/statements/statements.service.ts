import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import {
  closingOf,
  openingOf,
  readStatementMessage,
  type Statement,
  type StatementMessage,
} from '#libs/iso20022/index.js';
import { canonicalJson, idFrom, problem, type Problem, sha256Hex } from '#libs/kernel/index.js';
import { type LongJob } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { ExchangeHandlersService, type InboundMessage, messageItemKey } from '../exchange/exchange-handlers.service.js';
import { ExpectedFilesService } from '../files/expected-files.service.js';
import {
  type FileReader,
  type FileReadResult,
  FileReadersService,
  type StoredFile,
} from '../files/file-readers.service.js';
import { StatedAccountsService } from './stated-accounts.service.js';
import { continuityProblems } from './statement-continuity.js';

export interface ImportedNostro {
  readonly account: string;
  readonly bookId: string;
  readonly currency: string;
  readonly channel: string;
  readonly agentBic: string;
  /** What the agent held for us when we moved in: positive when it owes us. */
  readonly openingMinor: bigint;
  readonly openingDate: PlainDate;
  readonly importId: string;
}

export interface TakenStatement {
  readonly statementId: string;
  readonly outcome: 'ACCEPTED' | 'REFUSED' | 'DUPLICATE';
  readonly currency: string;
  readonly problems: readonly Problem[];
}

interface NostroRow {
  account: string;
  bookId: string;
  currency: string;
  channel: string;
  openingMinor: string;
  openingDate: PlainDate;
}

/** Statements of our accounts at agents: each continues the one before, or is kept aside and not used. */
@Injectable()
export class StatementsService implements OnModuleInit, FileReader {
  constructor(
    private readonly handlers: ExchangeHandlersService,
    private readonly readers: FileReadersService,
    private readonly expected: ExpectedFilesService,
    private readonly audit: AuditTrail,
    private readonly workItems: WorkItems,
    private readonly stated: StatedAccountsService,
  ) {}

  onModuleInit(): void {
    this.handlers.register('camt.053', (tx, messages) => this.receive(tx, messages));
    this.readers.register('STATEMENT', this);
  }

  async importNostros(tx: Tx, rows: readonly ImportedNostro[]): Promise<void> {
    if (rows.length === 0) return;
    await tx.execute(
      `INSERT INTO settlement.nostro (account, book_id, currency, channel, agent_bic, opening_minor, opening_date, import_id)
       SELECT r.account, r."bookId", r.currency, r.channel, r."agentBic", r."openingMinor", r."openingDate", r."importId"
         FROM jsonb_to_recordset($1::jsonb) AS r(account text, "bookId" text, currency text, channel text, "agentBic" text, "openingMinor" numeric, "openingDate" date, "importId" text)
       ON CONFLICT (account) DO UPDATE SET book_id = excluded.book_id, currency = excluded.currency, channel = excluded.channel,
         agent_bic = excluded.agent_bic, opening_minor = excluded.opening_minor, opening_date = excluded.opening_date, import_id = excluded.import_id`,
      [JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))],
    );
  }

  async removeImport(tx: Tx, importId: string): Promise<void> {
    await tx.execute('DELETE FROM settlement.nostro WHERE import_id = $1', [importId]);
  }

  /** Statements that came by the exchange. */
  async receive(tx: Tx, messages: readonly InboundMessage[]): Promise<Map<string, readonly Problem[]>> {
    const refused = new Map<string, readonly Problem[]>();
    for (const { messageId, channel, document } of messages) {
      const read = readStatementMessage(document);
      const problems = read.ok ? [] : [...read.problems];
      for (const taken of read.ok ? await this.take(tx, read.value, channel, messageId, `exchange:${channel}`) : []) {
        problems.push(...taken.problems);
        if (taken.outcome === 'ACCEPTED')
          await this.expected.arrived(tx, {
            kind: 'STATEMENT',
            qualifier: taken.currency,
            arrivalId: taken.statementId,
          });
      }
      if (problems.length > 0) refused.set(messageId, problems);
    }
    return refused;
  }

  /** A statement that a person or a partner handed in as a file. */
  async read(file: StoredFile, content: Buffer, job: LongJob): Promise<FileReadResult> {
    const read = readStatementMessage(content);
    if (!read.ok) return { counts: {}, problems: read.problems, isRefused: true };
    const taken = await job.step(async (tx) => {
      // The job sees every book; the statement may only be of an account of whoever sent it.
      await tx.execute(`SELECT set_config('app.books', $1, true)`, [file.books?.join(',') ?? '*']);
      const found = await this.take(tx, read.value, 'FILE', read.value.messageId, file.receivedBy);
      await tx.execute(`SELECT set_config('app.books', '*', true)`);
      return found;
    });
    const count = (outcome: TakenStatement['outcome']) => taken.filter((one) => one.outcome === outcome).length;
    const counts = { accepted: count('ACCEPTED'), refused: count('REFUSED'), duplicates: count('DUPLICATE') };
    const problems = taken.flatMap((one) => one.problems);
    const accepted = taken.find(({ outcome }) => outcome === 'ACCEPTED');
    return {
      counts,
      problems,
      isRefused: counts.accepted === 0 && counts.duplicates === 0,
      ...(accepted ? { expected: { qualifier: accepted.currency } } : {}),
    };
  }

  private async take(
    tx: Tx,
    message: StatementMessage,
    channel: string,
    messageId: string,
    by: string,
  ): Promise<TakenStatement[]> {
    const taken: TakenStatement[] = [];
    for (const statement of message.statements) taken.push(await this.takeOne(tx, statement, channel, messageId, by));
    return taken;
  }

  private async takeOne(
    tx: Tx,
    statement: Statement,
    channel: string,
    messageId: string,
    by: string,
  ): Promise<TakenStatement> {
    const hash = sha256Hex(
      canonicalJson(
        JSON.parse(
          JSON.stringify(statement, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
        ),
      ),
    );
    const statementId = idFrom('stm', statement.account, hash);
    // Locked: two statements of one account are taken one after the other.
    const nostro = await tx.row<NostroRow>(
      `SELECT account, book_id AS "bookId", currency, channel, opening_minor AS "openingMinor", opening_date AS "openingDate"
         FROM settlement.nostro WHERE account = $1 FOR UPDATE`,
      [statement.account],
    );
    const currency = closingOf(statement)?.currency ?? statement.currency ?? '';
    if (nostro === undefined) {
      return {
        statementId,
        outcome: 'REFUSED',
        currency,
        problems: [problem('UNKNOWN_ACCOUNT', `${statement.account} is none of our accounts.`, ['Stmt', 'Acct'])],
      };
    }
    if (channel !== 'FILE' && nostro.channel !== channel) {
      return {
        statementId,
        outcome: 'REFUSED',
        currency,
        problems: [problem('OTHER_AGENT', `${statement.account} is not kept by ${channel}.`, ['Stmt', 'Acct'])],
      };
    }
    const same = await tx.row<{ state: string }>(
      `SELECT state FROM settlement.nostro_statement WHERE account = $1 AND content_hash = $2`,
      [nostro.account, hash],
    );
    if (same !== undefined) return { statementId, outcome: 'DUPLICATE', currency, problems: [] };
    const last = await tx.row<{ number: number; closingMinor: string; closingDate: PlainDate }>(
      `SELECT number, closing_minor AS "closingMinor", statement_date AS "closingDate"
         FROM settlement.nostro_statement WHERE account = $1 AND state = 'ACCEPTED' ORDER BY number DESC LIMIT 1`,
      [nostro.account],
    );
    const from = {
      account: nostro.account,
      currency: nostro.currency,
      number: last?.number ?? 0,
      closingMinor: BigInt(last?.closingMinor ?? nostro.openingMinor),
      closingDate: last?.closingDate ?? nostro.openingDate,
    };
    const problems = continuityProblems(statement, from);
    const isAccepted = problems.length === 0;
    await this.store(tx, {
      statementId,
      statement,
      nostro,
      channel,
      messageId,
      hash,
      number: isAccepted ? from.number + 1 : null,
      problems,
    });
    await this.audit.append(tx, {
      action: isAccepted ? 'statement.accepted' : 'statement.refused',
      objectKind: 'NOSTRO_STATEMENT',
      objectId: statementId,
      bookId: nostro.bookId,
      principal: by,
      ...(problems[0] === undefined ? {} : { reason: problems[0].code }),
      after: { account: nostro.account, number: isAccepted ? from.number + 1 : null, contentHash: hash },
    });
    if (isAccepted) {
      await this.corrected(tx, nostro.account, by);
      const statementDate = closingOf(statement)?.date ?? from.closingDate;
      await this.stated.tellMoney(
        tx,
        { statementId, account: nostro.account, book: nostro.bookId, number: from.number + 1, statementDate },
        statement,
      );
    }
    return { statementId, outcome: isAccepted ? 'ACCEPTED' : 'REFUSED', currency: nostro.currency, problems };
  }

  /** The account goes on: whatever was refused of it before has had its correction. */
  private async corrected(tx: Tx, account: string, by: string): Promise<void> {
    const refused = await tx.rows<{ channel: string; messageId: string }>(
      `SELECT DISTINCT channel, message_id AS "messageId" FROM settlement.nostro_statement WHERE account = $1 AND state = 'REFUSED'`,
      [account],
    );
    await this.workItems.closeMany(
      tx,
      refused.map(({ channel, messageId }) => messageItemKey(channel, messageId)),
      'a statement that continues the account has come',
      by,
    );
  }

  private async store(
    tx: Tx,
    kept: {
      statementId: string;
      statement: Statement;
      nostro: NostroRow;
      channel: string;
      messageId: string;
      hash: string;
      number: number | null;
      problems: readonly Problem[];
    },
  ): Promise<void> {
    const { statement, nostro } = kept;
    const opening = openingOf(statement);
    const closing = closingOf(statement);
    const date = closing?.date ?? opening?.date ?? statement.entries[0]?.bookingDate;
    await tx.execute(
      `INSERT INTO settlement.nostro_statement (statement_id, account, book_id, currency, state, number, message_id, channel, electronic_sequence,
         statement_date, opening_minor, closing_minor, entry_count, content_hash, problems)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10::date, kernel.now()::date), $11, $12, $13, $14, $15::jsonb)`,
      [
        kept.statementId,
        nostro.account,
        nostro.bookId,
        nostro.currency,
        kept.number === null ? 'REFUSED' : 'ACCEPTED',
        kept.number,
        kept.messageId,
        kept.channel,
        statement.electronicSequence ?? null,
        date ?? null,
        (opening?.signedMinor ?? 0n).toString(),
        (closing?.signedMinor ?? 0n).toString(),
        statement.entries.length,
        kept.hash,
        JSON.stringify(kept.problems),
      ],
    );
    await tx.execute(
      `INSERT INTO settlement.nostro_statement_entry (statement_id, n, book_id, signed_minor, currency, booking_date, value_date, reference, end_to_end_id,
         transaction_code, is_reversal, details)
       SELECT $1, r.n, $2, r.signed, r.currency, r."bookingDate", r."valueDate", r.reference, r."endToEndId", r.code, r."isReversal", r.details
         FROM jsonb_to_recordset($3::jsonb) AS r(n int, signed numeric, currency text, "bookingDate" date, "valueDate" date, reference text,
              "endToEndId" text, code text, "isReversal" boolean, details jsonb)`,
      [
        kept.statementId,
        nostro.bookId,
        JSON.stringify(
          statement.entries.map((entry, index) => ({
            n: index + 1,
            signed: entry.signedMinor.toString(),
            currency: entry.currency,
            bookingDate: entry.bookingDate ?? null,
            valueDate: entry.valueDate ?? null,
            reference: entry.accountServicerReference ?? entry.reference ?? null,
            endToEndId: entry.details[0]?.endToEndId ?? null,
            code: entry.transactionCode ?? null,
            isReversal: entry.isReversal,
            details: entry.details.map((detail) => ({
              ...detail,
              amount: detail.amount && { ...detail.amount, amountMinor: detail.amount.amountMinor.toString() },
            })),
          })),
        ),
      ],
    );
  }
}
