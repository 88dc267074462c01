import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type NewWorkItem, WorkItems } from '#libs/work-items/index.js';
import { cashOfTradeSql, type DateMove, type Touch, type Touched, touchedShown, touchSql } from '../trades/touch.js';

const open = `i.settlement_status <> 'SETTLED' AND i.processing_status NOT IN ('REJECTED','CANCELLED')`;
/** Nobody outside has it: still with us, or at the internal place, where our own engine decides. */
const unsent = `(i.processing_status = 'CREATED' OR i.place_kind = 'INTERNAL')`;
const operations = 'settlement-operations';

interface SentRow {
  readonly instructionId: string;
  readonly executionId: string;
  readonly bookId: string;
  readonly placeId: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly to: PlainDate;
}

/** What a change of static data reaches among the instructions, and the dates that a closure moves. */
@Injectable()
export class InstructionDatesService {
  constructor(
    private readonly audit: AuditTrail,
    private readonly workItems: WorkItems,
  ) {}

  async touched(tx: Tx, touch: Touch): Promise<{ unsent: Touched; sent: Touched }> {
    const params: unknown[] = [];
    const where = touchSql(touch, params);
    const list = (condition: string) =>
      `coalesce((array_agg(i.instruction_id ORDER BY i.instruction_id) FILTER (WHERE ${condition}))[1:${touchedShown}], '{}')`;
    const row = await tx.row<{ unsent: number; sent: number; unsentIds: string[]; sentIds: string[] }>(
      `SELECT count(*) FILTER (WHERE ${unsent})::int AS unsent, count(*) FILTER (WHERE NOT ${unsent})::int AS sent,
              ${list(unsent)} AS "unsentIds", ${list(`NOT ${unsent}`)} AS "sentIds"
         FROM settlement.instruction i JOIN settlement.trade t USING (trade_id) WHERE ${open} AND ${where}`,
      params,
    );
    return {
      unsent: { count: row?.unsent ?? 0, ids: row?.unsentIds ?? [] },
      sent: { count: row?.sent ?? 0, ids: row?.sentIds ?? [] },
    };
  }

  /** What is unsent gets its new date; what is sent gets a person who agrees the new date with the place. */
  async redate(tx: Tx, move: DateMove): Promise<{ redated: number; asked: number }> {
    const dates = JSON.stringify(move.dates);
    const due = `i.settlement_date = $1::date AND ${open} AND t.place_id = r."placeId" AND ${cashOfTradeSql} IS NOT DISTINCT FROM r.currency`;
    // Locked first: what is being sent at this moment is found sent.
    await tx.execute(
      `SELECT 1 FROM settlement.instruction i WHERE i.settlement_date = $1::date AND ${open} ORDER BY i.instruction_id FOR UPDATE`,
      [move.from],
    );
    const sent = await tx.rows<SentRow>(
      `SELECT i.instruction_id AS "instructionId", i.execution_id AS "executionId", i.book_id AS "bookId", i.place_id AS "placeId", i.currency,
              (i.amount_minor - i.settled_amount_minor)::text AS "amountMinor", r."to"
         FROM settlement.instruction i JOIN settlement.trade t USING (trade_id), jsonb_to_recordset($2::jsonb) AS r("placeId" text, currency text, "to" date)
        WHERE ${due} AND NOT ${unsent} ORDER BY i.instruction_id`,
      [move.from, dates],
    );
    const moved = await tx.rows<{ instructionId: string; bookId: string; to: PlainDate }>(
      `WITH moved AS (
         UPDATE settlement.instruction i SET settlement_date = r."to"
           FROM settlement.trade t, jsonb_to_recordset($2::jsonb) AS r("placeId" text, currency text, "to" date)
          WHERE t.trade_id = i.trade_id AND ${due} AND ${unsent}
         RETURNING i.instruction_id, i.trade_id, i.book_id, r."to"),
       trades AS (
         UPDATE settlement.trade t SET settlement_date = m."to" FROM moved m WHERE t.trade_id = m.trade_id
         RETURNING t.trade_id, t.book_id, m."to")
       INSERT INTO settlement.settlement_date_change (object_kind, object_id, book_id, from_date, to_date, change_id, calendars, reason)
       SELECT 'INSTRUCTION', instruction_id, book_id, $1, "to", $3, $4, $5 FROM moved
       UNION ALL SELECT 'TRADE', trade_id, book_id, $1, "to", $3, $4, $5 FROM trades
       RETURNING object_kind AS kind, object_id AS "instructionId", book_id AS "bookId", to_date AS "to"`,
      [move.from, dates, move.changeId, move.calendars, move.reason],
    );
    const instructions = moved.filter((row) => (row as unknown as { kind: string }).kind === 'INSTRUCTION');
    await this.audit.appendMany(
      tx,
      instructions.map(({ instructionId, bookId, to }) => ({
        action: 'instruction.re-dated',
        objectKind: 'INSTRUCTION',
        objectId: instructionId,
        bookId,
        principal: move.by,
        reason: move.reason,
        before: { settlementDate: move.from },
        after: { settlementDate: to, changeId: move.changeId },
      })),
    );
    const asked = await this.askPlaces(tx, sent, move);
    return { redated: instructions.length, asked };
  }

  private async askPlaces(tx: Tx, sent: readonly SentRow[], move: DateMove): Promise<number> {
    const clock = await tx.row<{ dueAt: Date }>(`SELECT kernel.now() + interval '2 hours' AS "dueAt"`);
    if (!clock) throw new Error('the clock does not answer');
    return this.workItems.openMany(
      tx,
      sent.map((row): NewWorkItem => ({
        key: `closed-day:${row.instructionId}:${move.from}`,
        kind: 'INSTRUCTION_ON_CLOSED_DAY',
        category: 'OTHER',
        objectKind: 'INSTRUCTION',
        objectId: row.instructionId,
        reference: row.executionId,
        reasonCode: 'DAY_CLOSED',
        bookId: row.bookId,
        valueAtRisk: { currency: row.currency, amountMinor: BigInt(row.amountMinor) },
        ownerTeam: operations,
        dueAt: clock.dueAt,
        nextAction: `${move.from} was closed after it was sent: agree ${row.to} with ${row.placeId} and the counterparty, or cancel and instruct again`,
      })),
      move.by,
    );
  }
}
