import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Allocation, type Instruction, type NewInstruction } from './instruction.js';
import { type Statused } from './instruction-status.js';

interface Row extends Omit<
  Instruction,
  | 'quantityUnits'
  | 'amountMinor'
  | 'allocations'
  | 'statused'
  | 'confirmedQuantityUnits'
  | 'confirmedAmountMinor'
  | 'settledQuantityUnits'
  | 'settledAmountMinor'
> {
  readonly quantityUnits: string;
  readonly amountMinor: string;
  readonly allocations: { clientAccount: string; quantityUnits: string; amountMinor: string }[];
  readonly processing: Statused['status']['processing'];
  readonly matching: Statused['status']['matching'];
  readonly settlement: Statused['status']['settlement'];
  readonly cancellation: Statused['status']['cancellation'];
  readonly reasonCode: string | null;
  readonly confirmedQuantityUnits: string;
  readonly confirmedAmountMinor: string;
  readonly settledQuantityUnits: string;
  readonly settledAmountMinor: string;
}

const columns = `
  i.instruction_id AS "instructionId", i.trade_id AS "tradeId", i.book_id AS "bookId", i.execution_id AS "executionId",
  i.place_id AS "placeId", i.place_kind AS "placeKind", i.direction, i.payment, i.isin, i.quantity_units AS "quantityUnits",
  i.quantity_scale AS "quantityScale", i.amount_minor AS "amountMinor", i.currency, i.settlement_date AS "settlementDate",
  i.client_account AS "clientAccount", i.counterparty_account AS "counterpartyAccount", i.depot_account AS "depotAccount",
  i.cash_account AS "cashAccount", i.allocations, i.processing_status AS processing, i.matching_status AS matching,
  i.settlement_status AS settlement, i.cancellation_status AS cancellation, i.reason_code AS "reasonCode",
  (i.party_hold OR i.csd_hold OR i.validation_hold OR i.conditional_hold OR i.compliance_hold) AS "isHeld",
  i.compliance_hold AS "isComplianceHeld", i.sent_at IS NOT NULL AS "isSent",
  i.confirmed_quantity_units AS "confirmedQuantityUnits", i.confirmed_amount_minor AS "confirmedAmountMinor",
  i.settled_quantity_units AS "settledQuantityUnits", i.settled_amount_minor AS "settledAmountMinor"`;

function instructionOf({ processing, matching, settlement, cancellation, reasonCode, ...row }: Row): Instruction {
  return {
    ...row,
    quantityUnits: BigInt(row.quantityUnits),
    amountMinor: BigInt(row.amountMinor),
    confirmedQuantityUnits: BigInt(row.confirmedQuantityUnits),
    confirmedAmountMinor: BigInt(row.confirmedAmountMinor),
    settledQuantityUnits: BigInt(row.settledQuantityUnits),
    settledAmountMinor: BigInt(row.settledAmountMinor),
    allocations: row.allocations.map(allocationOf),
    statused: { status: { processing, matching, settlement, cancellation }, reason: reasonCode },
  };
}

const allocationOf = (json: { clientAccount: string; quantityUnits: string; amountMinor: string }): Allocation => ({
  clientAccount: json.clientAccount,
  quantityUnits: BigInt(json.quantityUnits),
  amountMinor: BigInt(json.amountMinor),
});

const asText = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part));

export interface NewPiece {
  readonly entryKey: string;
  readonly instructionId: string;
  readonly bookId: string;
  readonly quantityUnits: bigint;
  readonly amountMinor: bigint;
  readonly effectiveDate: PlainDate;
  readonly businessDate: PlainDate;
  readonly isFinal: boolean;
  readonly shares: readonly Allocation[];
  readonly cycleId: string | null;
  readonly marketReference: string | null;
}

/** What a place confirmed beyond an instruction. */
export interface NewExcess {
  readonly entryKey: string;
  readonly instructionId: string;
  readonly bookId: string;
  readonly messageId: string;
  readonly quantityUnits: bigint;
  readonly amountMinor: bigint;
  readonly effectiveDate: PlainDate;
  readonly businessDate: PlainDate;
}

/** The ledger's word on something that waited for it. */
export interface Decision {
  readonly entryKey: string;
  readonly state: 'BOOKED' | 'REFUSED';
  readonly entryId: string | null;
  readonly refusalCode: string | null;
  /** The date it was booked on, when that is not the one it came on. */
  readonly businessDate: PlainDate | null;
}

export interface DecidedPiece {
  readonly entryKey: string;
  readonly instructionId: string;
  readonly quantityUnits: bigint;
  readonly amountMinor: bigint;
  readonly cycleId: string | null;
}

/** A status together with what was booked. */
export interface BookedPiece {
  readonly instructionId: string;
  readonly statused: Statused;
  readonly settledQuantityUnits: bigint;
  readonly settledAmountMinor: bigint;
  readonly entryId: string;
}

export interface PartyHold {
  readonly alertId: string;
  readonly partyId: string;
}

const holdsLock = `hashtextextended('settlement.party_hold', 0)`;
const open = `i.settlement_status <> 'SETTLED' AND i.processing_status NOT IN ('REJECTED','CANCELLED')`;

@Injectable()
export class InstructionsRepository {
  /** New instructions only: one that exists is left as it is. Answers the ids that are new. */
  async insert(tx: Tx, instructions: readonly NewInstruction[], businessDate: PlainDate): Promise<Set<string>> {
    if (instructions.length === 0) return new Set();
    const rows = instructions.map(({ trade, ...own }) => ({
      ...own,
      tradeId: trade.tradeId,
      bookId: trade.bookId,
      source: trade.source,
      executionId: trade.executionId,
      placeId: trade.placeId,
      placeKind: trade.place.kind,
      isin: trade.isin,
      assetClass: trade.assetClass,
      quantityUnits: trade.quantityUnits,
      quantityScale: trade.quantityScale,
      amountMinor: trade.amountMinor,
      currency: trade.currency,
      tradeDate: trade.tradeDate,
      settlementDate: trade.settlementDate,
      businessDate,
      clientAccount: trade.clientAccount,
      clientPartyId: trade.clientPartyId,
      counterpartyId: trade.counterpartyId,
      counterpartyPartyId: trade.counterpartyPartyId,
      counterpartyAccount: trade.counterpartyAccount,
      counterpartySsiId: trade.ssi?.ssiId ?? null,
      ssiVersionId: trade.ssi?.versionId ?? null,
      depotAccount: trade.place.depotAccount,
      cashAccount: trade.place.cashAccount,
      allocations: trade.allocations,
      isCarriedFail: trade.carriedFail,
    }));
    const inserted = await tx.rows<{ instructionId: string }>(
      `INSERT INTO settlement.instruction (instruction_id, trade_id, book_id, source, execution_id, place_id, place_kind, direction, payment, isin,
         asset_class, quantity_units, quantity_scale, amount_minor, currency, trade_date, settlement_date, business_date, client_account,
         client_party_id, counterparty_id, counterparty_party_id, counterparty_account, counterparty_ssi_id, ssi_version_id, depot_account,
         cash_account, allocations, is_carried_fail, compliance_hold, compliance_alert_id)
       SELECT r."instructionId", r."tradeId", r."bookId", r.source, r."executionId", r."placeId", r."placeKind", r.direction, r.payment, r.isin,
         r."assetClass", r."quantityUnits", r."quantityScale", r."amountMinor", r.currency, r."tradeDate", r."settlementDate", r."businessDate",
         r."clientAccount", r."clientPartyId", r."counterpartyId", r."counterpartyPartyId", r."counterpartyAccount", r."counterpartySsiId",
         r."ssiVersionId", r."depotAccount", r."cashAccount", r.allocations, r."isCarriedFail", r."complianceAlertId" IS NOT NULL, r."complianceAlertId"
         FROM jsonb_to_recordset($1::jsonb) AS r("instructionId" text, "tradeId" text, "bookId" text, source text, "executionId" text,
           "placeId" text, "placeKind" text, direction text, payment text, isin text, "assetClass" text, "quantityUnits" numeric,
           "quantityScale" int, "amountMinor" numeric, currency text, "tradeDate" date, "settlementDate" date, "businessDate" date,
           "clientAccount" text, "clientPartyId" text, "counterpartyId" text, "counterpartyPartyId" text, "counterpartyAccount" text,
           "counterpartySsiId" text, "ssiVersionId" text, "depotAccount" text, "cashAccount" text, allocations jsonb, "isCarriedFail" boolean,
           "complianceAlertId" text)
       ON CONFLICT DO NOTHING RETURNING instruction_id AS "instructionId"`,
      [asText(rows)],
    );
    return new Set(inserted.map(({ instructionId }) => instructionId));
  }

  /** Locked in the order of their ids, so that two writers never wait for each other in a circle. */
  async lock(tx: Tx, instructionIds: readonly string[]): Promise<Map<string, Instruction>> {
    const rows = await tx.rows<Row>(
      `SELECT ${columns} FROM settlement.instruction i WHERE i.instruction_id = ANY($1::text[]) ORDER BY i.instruction_id FOR UPDATE`,
      [instructionIds],
    );
    return new Map(rows.map((row) => [row.instructionId, instructionOf(row)]));
  }

  async saveStatuses(tx: Tx, changes: readonly { instructionId: string; statused: Statused }[]): Promise<number> {
    if (changes.length === 0) return 0;
    const rows = changes.map(({ instructionId, statused }) => ({
      instructionId,
      ...statused.status,
      reason: statused.reason,
    }));
    return tx.execute(
      `UPDATE settlement.instruction i SET processing_status = r.processing, matching_status = r.matching, settlement_status = r.settlement,
              cancellation_status = r.cancellation, reason_code = r.reason,
              sent_at = CASE WHEN r.processing = 'SENT' AND i.processing_status = 'CREATED' THEN kernel.now() ELSE i.sent_at END
         FROM jsonb_to_recordset($1::jsonb) AS r("instructionId" text, processing text, matching text, settlement text, cancellation text, reason text)
        WHERE i.instruction_id = r."instructionId"`,
      [JSON.stringify(rows)],
    );
  }

  /** A status together with what was booked: one change, because a settled instruction takes no second one. */
  async saveBooked(tx: Tx, booked: readonly BookedPiece[]): Promise<void> {
    if (booked.length === 0) return;
    const rows = booked.map(({ statused, ...rest }) => ({ ...rest, ...statused.status, reason: statused.reason }));
    await tx.execute(
      `UPDATE settlement.instruction i SET processing_status = r.processing, matching_status = r.matching, settlement_status = r.settlement,
              cancellation_status = r.cancellation, reason_code = r.reason, settled_quantity_units = r."settledQuantityUnits",
              settled_amount_minor = r."settledAmountMinor", entry_id = r."entryId",
              settled_at = CASE WHEN r.settlement = 'SETTLED' THEN kernel.now() END
         FROM jsonb_to_recordset($1::jsonb) AS r("instructionId" text, processing text, matching text, settlement text, cancellation text,
              reason text, "settledQuantityUnits" numeric, "settledAmountMinor" numeric, "entryId" text)
        WHERE i.instruction_id = r."instructionId"`,
      [asText(rows)],
    );
  }

  /** What was confirmed is added before it is booked, so that a place cannot confirm more than was instructed. */
  async addConfirmed(tx: Tx, pieces: readonly NewPiece[]): Promise<void> {
    if (pieces.length === 0) return;
    await tx.execute(
      `INSERT INTO settlement.instruction_settlement (entry_key, instruction_id, book_id, quantity_units, amount_minor, effective_date, business_date,
         is_final, shares, cycle_id, market_reference)
       SELECT r."entryKey", r."instructionId", r."bookId", r."quantityUnits", r."amountMinor", r."effectiveDate", r."businessDate", r."isFinal",
         r.shares, r."cycleId", r."marketReference"
         FROM jsonb_to_recordset($1::jsonb) AS r("entryKey" text, "instructionId" text, "bookId" text, "quantityUnits" numeric, "amountMinor" numeric,
           "effectiveDate" date, "businessDate" date, "isFinal" boolean, shares jsonb, "cycleId" text, "marketReference" text)`,
      [asText(pieces)],
    );
    await tx.execute(
      `UPDATE settlement.instruction i SET confirmed_quantity_units = confirmed_quantity_units + s.quantity,
              confirmed_amount_minor = confirmed_amount_minor + s.amount, attempts = attempts + s.pieces
         FROM (SELECT r."instructionId" AS id, sum(r."quantityUnits") AS quantity, sum(r."amountMinor") AS amount, count(*)::int AS pieces
                 FROM jsonb_to_recordset($1::jsonb) AS r("instructionId" text, "quantityUnits" numeric, "amountMinor" numeric) GROUP BY 1) s
        WHERE i.instruction_id = s.id`,
      [asText(pieces)],
    );
  }

  /** What a refused attempt had claimed is free again. */
  async dropConfirmed(tx: Tx, refused: readonly DecidedPiece[]): Promise<void> {
    if (refused.length === 0) return;
    await tx.execute(
      `UPDATE settlement.instruction i SET confirmed_quantity_units = confirmed_quantity_units - r."quantityUnits",
              confirmed_amount_minor = confirmed_amount_minor - r."amountMinor"
         FROM jsonb_to_recordset($1::jsonb) AS r("instructionId" text, "quantityUnits" numeric, "amountMinor" numeric)
        WHERE i.instruction_id = r."instructionId"`,
      [asText(refused)],
    );
  }

  async sharesBefore(tx: Tx, instructionIds: readonly string[]): Promise<Map<string, Allocation[][]>> {
    const rows = await tx.rows<{ instructionId: string; shares: Parameters<typeof allocationOf>[0][] }>(
      `SELECT instruction_id AS "instructionId", shares FROM settlement.instruction_settlement
        WHERE instruction_id = ANY($1::text[]) AND state <> 'REFUSED' AND cycle_id IS NULL ORDER BY requested_at, entry_key`,
      [instructionIds],
    );
    const found = new Map<string, Allocation[][]>();
    for (const { instructionId, shares } of rows)
      found.set(instructionId, [...(found.get(instructionId) ?? []), shares.map(allocationOf)]);
    return found;
  }

  /** Marks pieces decided; answers those that waited, so that a decision told twice counts once. */
  async decidePieces(tx: Tx, decided: readonly Decision[]): Promise<Map<string, DecidedPiece>> {
    if (decided.length === 0) return new Map();
    const rows = await tx.rows<{
      entryKey: string;
      instructionId: string;
      quantityUnits: string;
      amountMinor: string;
      cycleId: string | null;
    }>(
      `UPDATE settlement.instruction_settlement s SET state = r.state, entry_id = r."entryId", refusal_code = r."refusalCode",
              business_date = coalesce(r."businessDate", s.business_date), decided_at = kernel.now()
         FROM jsonb_to_recordset($1::jsonb) AS r("entryKey" text, state text, "entryId" text, "refusalCode" text, "businessDate" date)
        WHERE s.entry_key = r."entryKey" AND s.state = 'REQUESTED'
       RETURNING s.entry_key AS "entryKey", s.instruction_id AS "instructionId", s.quantity_units AS "quantityUnits", s.amount_minor AS "amountMinor", s.cycle_id AS "cycleId"`,
      [JSON.stringify(decided)],
    );
    return new Map(
      rows.map((row) => [
        row.entryKey,
        { ...row, quantityUnits: BigInt(row.quantityUnits), amountMinor: BigInt(row.amountMinor) },
      ]),
    );
  }

  async addExcesses(tx: Tx, excesses: readonly NewExcess[]): Promise<void> {
    if (excesses.length === 0) return;
    await tx.execute(
      `INSERT INTO settlement.confirmation_excess (entry_key, instruction_id, book_id, message_id, quantity_units, amount_minor, effective_date, business_date)
       SELECT r."entryKey", r."instructionId", r."bookId", r."messageId", r."quantityUnits", r."amountMinor", r."effectiveDate", r."businessDate"
         FROM jsonb_to_recordset($1::jsonb) AS r("entryKey" text, "instructionId" text, "bookId" text, "messageId" text, "quantityUnits" numeric,
           "amountMinor" numeric, "effectiveDate" date, "businessDate" date)`,
      [asText(excesses)],
    );
  }

  /** Marks excesses decided; answers those that waited. */
  async decideExcesses(
    tx: Tx,
    decided: readonly Decision[],
  ): Promise<Map<string, { entryKey: string; instructionId: string; bookId: string }>> {
    const rows = await tx.rows<{ entryKey: string; instructionId: string; bookId: string }>(
      `UPDATE settlement.confirmation_excess s SET state = r.state, entry_id = r."entryId", refusal_code = r."refusalCode",
              business_date = coalesce(r."businessDate", s.business_date), decided_at = kernel.now()
         FROM jsonb_to_recordset($1::jsonb) AS r("entryKey" text, state text, "entryId" text, "refusalCode" text, "businessDate" date)
        WHERE s.entry_key = r."entryKey" AND s.state = 'REQUESTED'
       RETURNING s.entry_key AS "entryKey", s.instruction_id AS "instructionId", s.book_id AS "bookId"`,
      [JSON.stringify(decided)],
    );
    return new Map(rows.map((row) => [row.entryKey, row]));
  }

  async inTwoHours(tx: Tx): Promise<Date> {
    const row = await tx.row<{ dueAt: Date }>(`SELECT kernel.now() + interval '2 hours' AS "dueAt"`);
    if (!row) throw new Error('the clock does not answer');
    return row.dueAt;
  }

  async instructionsOfPieces(tx: Tx, entryKeys: readonly string[]): Promise<string[]> {
    const rows = await tx.rows<{ id: string }>(
      `SELECT DISTINCT instruction_id AS id FROM settlement.instruction_settlement WHERE entry_key = ANY($1::text[])`,
      [entryKeys],
    );
    return rows.map(({ id }) => id);
  }

  /** Internal instructions that a cycle may attempt: due, accepted, held by nobody, and not waiting for the ledger. */
  async dueInternal(
    tx: Tx,
    book: string,
    businessDate: PlainDate,
    afterId: string | null,
    limit: number,
  ): Promise<Instruction[]> {
    const rows = await tx.rows<Row>(
      `SELECT ${columns} FROM settlement.instruction i
        WHERE i.book_id = $1 AND i.settlement_date <= $2 AND i.place_kind = 'INTERNAL' AND i.processing_status = 'ACCEPTED' AND ${open}
          AND NOT (i.party_hold OR i.csd_hold OR i.validation_hold OR i.conditional_hold OR i.compliance_hold)
          AND i.confirmed_quantity_units = i.settled_quantity_units AND ($3::text IS NULL OR i.instruction_id > $3)
        ORDER BY i.instruction_id LIMIT $4 FOR UPDATE`,
      [book, businessDate, afterId, limit],
    );
    return rows.map(instructionOf);
  }

  /** Unsent instructions that nothing holds any more. */
  async sendable(tx: Tx, instructionIds: readonly string[]): Promise<Instruction[]> {
    const rows = await tx.rows<Row>(
      `SELECT ${columns} FROM settlement.instruction i WHERE i.instruction_id = ANY($1::text[]) AND i.processing_status = 'CREATED'
          AND NOT (i.party_hold OR i.csd_hold OR i.validation_hold OR i.conditional_hold OR i.compliance_hold)
        ORDER BY i.instruction_id FOR UPDATE`,
      [instructionIds],
    );
    return rows.map(instructionOf);
  }

  async openOfParty(tx: Tx, partyId: string): Promise<Instruction[]> {
    const rows = await tx.rows<Row>(
      `SELECT ${columns} FROM settlement.instruction i WHERE (i.client_party_id = $1 OR i.counterparty_party_id = $1) AND ${open}
        ORDER BY i.instruction_id FOR UPDATE`,
      [partyId],
    );
    return rows.map(instructionOf);
  }

  /** Answers those that were free until now. */
  async setComplianceHold(tx: Tx, instructionIds: readonly string[], alertId: string): Promise<Set<string>> {
    const rows = await tx.rows<{ id: string }>(
      `UPDATE settlement.instruction SET compliance_hold = true, compliance_alert_id = $2
        WHERE instruction_id = ANY($1::text[]) AND NOT compliance_hold RETURNING instruction_id AS id`,
      [instructionIds, alertId],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** An alert of a party stops this instruction no longer. */
  async recordRelease(tx: Tx, instructionId: string, alertId: string, by: string): Promise<void> {
    await tx.execute(
      `INSERT INTO settlement.instruction_release (instruction_id, alert_id, book_id, released_by)
       SELECT i.instruction_id, $2, i.book_id, $3 FROM settlement.instruction i WHERE i.instruction_id = $1 ON CONFLICT DO NOTHING`,
      [instructionId, alertId, by],
    );
  }

  /** The oldest alert that still stops a party of the instruction, and of which it was not let go alone. */
  async holdOf(tx: Tx, instructionId: string): Promise<PartyHold | null> {
    const row = await tx.row<PartyHold>(
      `SELECT h.alert_id AS "alertId", h.party_id AS "partyId" FROM settlement.party_hold h JOIN settlement.instruction i ON h.party_id IN (i.client_party_id, i.counterparty_party_id)
        WHERE i.instruction_id = $1 AND h.released_at IS NULL
          AND NOT EXISTS (SELECT FROM settlement.instruction_release r WHERE r.instruction_id = i.instruction_id AND r.alert_id = h.alert_id)
        ORDER BY h.held_at, h.alert_id LIMIT 1`,
      [instructionId],
    );
    return row ?? null;
  }

  async passComplianceHold(tx: Tx, instructionId: string, alertId: string): Promise<void> {
    await tx.execute(
      `UPDATE settlement.instruction SET compliance_alert_id = $2 WHERE instruction_id = $1 AND compliance_hold AND settlement_status <> 'SETTLED'`,
      [instructionId, alertId],
    );
  }

  async clearComplianceHold(tx: Tx, instructionId: string): Promise<void> {
    await tx.execute(
      `UPDATE settlement.instruction SET compliance_hold = false WHERE instruction_id = $1 AND compliance_hold AND settlement_status <> 'SETTLED'`,
      [instructionId],
    );
  }

  /** Who makes instructions reads which parties are held: no party becomes held until those instructions can be seen. */
  async shareHolds(tx: Tx): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock_shared(${holdsLock})`);
  }

  /** Before everything else that the transaction locks, as `shareHolds` is. */
  async lockHolds(tx: Tx): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock(${holdsLock})`);
  }

  async partyHolds(tx: Tx, partyIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await tx.rows<PartyHold>(
      `SELECT party_id AS "partyId", min(alert_id) AS "alertId" FROM settlement.party_hold WHERE party_id = ANY($1::text[]) AND released_at IS NULL GROUP BY party_id`,
      [partyIds],
    );
    return new Map(rows.map(({ partyId, alertId }) => [partyId, alertId]));
  }

  /** False when it was known. */
  async recordPartyHold(tx: Tx, hold: PartyHold & { listVersionId: string }): Promise<boolean> {
    const inserted = await tx.execute(
      `INSERT INTO settlement.party_hold (alert_id, party_id, list_version_id) VALUES ($1, $2, $3) ON CONFLICT (alert_id) DO NOTHING`,
      [hold.alertId, hold.partyId, hold.listVersionId],
    );
    return inserted > 0;
  }

  /** The party that is free of this alert now; null when it was before. */
  async releasePartyHold(tx: Tx, alertId: string): Promise<string | null> {
    const row = await tx.row<{ partyId: string }>(
      `UPDATE settlement.party_hold SET released_at = kernel.now() WHERE alert_id = $1 AND released_at IS NULL RETURNING party_id AS "partyId"`,
      [alertId],
    );
    return row?.partyId ?? null;
  }

  async recordRequests(
    tx: Tx,
    requests: readonly {
      messageId: string;
      instructionId: string;
      bookId: string;
      kind: 'HOLD' | 'RELEASE' | 'CANCEL';
      alertId: string | null;
    }[],
  ): Promise<void> {
    if (requests.length === 0) return;
    await tx.execute(
      `INSERT INTO settlement.hold_request (message_id, instruction_id, book_id, kind, alert_id)
       SELECT r."messageId", r."instructionId", r."bookId", r.kind, r."alertId"
         FROM jsonb_to_recordset($1::jsonb) AS r("messageId" text, "instructionId" text, "bookId" text, kind text, "alertId" text)
       ON CONFLICT (message_id) DO NOTHING`,
      [JSON.stringify(requests)],
    );
  }

  async countRequests(tx: Tx, instructionIds: readonly string[]): Promise<Map<string, number>> {
    const rows = await tx.rows<{ id: string; n: number }>(
      `SELECT instruction_id AS id, count(*)::int AS n FROM settlement.hold_request WHERE instruction_id = ANY($1::text[]) GROUP BY 1`,
      [instructionIds],
    );
    return new Map(rows.map(({ id, n }) => [id, n]));
  }

  /** Instructions of due dates that have not ended well by the end of the day, for the fail snapshot. */
  async unsettledDue(
    tx: Tx,
    book: string,
    businessDate: PlainDate,
    afterId: string | null,
    limit: number,
  ): Promise<Instruction[]> {
    const rows = await tx.rows<Row>(
      `SELECT ${columns} FROM settlement.instruction i
        WHERE i.book_id = $1 AND i.settlement_date <= $2 AND i.settlement_status <> 'SETTLED' AND i.processing_status <> 'CANCELLED'
          AND ($3::text IS NULL OR i.instruction_id > $3)
        ORDER BY i.instruction_id LIMIT $4 FOR UPDATE`,
      [book, businessDate, afterId, limit],
    );
    return rows.map(instructionOf);
  }

  /** How many instructions become eligible with this date. */
  async countDue(tx: Tx, book: string, businessDate: PlainDate): Promise<number> {
    const row = await tx.row<{ n: number }>(
      `SELECT count(*)::int AS n FROM settlement.instruction i WHERE i.book_id = $1 AND i.settlement_date <= $2 AND ${open}`,
      [book, businessDate],
    );
    return row?.n ?? 0;
  }
}
