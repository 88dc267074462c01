import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';
import {
  type InstructionFilterInput,
  type InstructionSettlementType,
  type InstructionStatusChangeType,
  type InstructionViewRow,
} from './instructions.graphql.js';

const columns = `
  instruction_id AS id, trade_id AS "tradeId", execution_id AS "executionId", book_id AS book, place_id AS place, direction, payment, isin,
  quantity_units AS "quantityUnits", quantity_scale AS "quantityScale", amount_minor AS "amountMinor", currency,
  settlement_date AS "settlementDate", client_account AS "clientAccount", counterparty_id AS "counterpartyId",
  processing_status AS "processingStatus", matching_status AS "matchingStatus", settlement_status AS "settlementStatus",
  cancellation_status AS "cancellationStatus", reason_code AS "reasonCode",
  concat_ws(' ', CASE WHEN party_hold THEN 'PARTY' END, CASE WHEN csd_hold THEN 'CSD' END, CASE WHEN validation_hold THEN 'VALIDATION' END,
    CASE WHEN conditional_hold THEN 'CONDITIONAL' END, CASE WHEN compliance_hold THEN 'COMPLIANCE' END) AS holds,
  settled_quantity_units AS "settledQuantityUnits", settled_amount_minor AS "settledAmountMinor", created_at AS "createdAt",
  sent_at AS "sentAt", settled_at AS "settledAt", entry_id AS "entryId"`;

/** What people and other services read of instructions. */
@Injectable()
export class InstructionViewsRepository {
  async find(tx: Tx, ids: readonly string[]): Promise<Map<string, InstructionViewRow>> {
    const rows = await tx.rows<InstructionViewRow>(
      `SELECT ${columns} FROM settlement.instruction WHERE instruction_id = ANY($1::text[])`,
      [ids],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  async ofTrades(tx: Tx, tradeIds: readonly string[]): Promise<Map<string, InstructionViewRow>> {
    const rows = await tx.rows<InstructionViewRow>(
      `SELECT ${columns} FROM settlement.instruction WHERE trade_id = ANY($1::text[])`,
      [tradeIds],
    );
    return new Map(rows.map((row) => [row.tradeId, row]));
  }

  async list(
    tx: Tx,
    filter: InstructionFilterInput,
    limit: number,
    after?: readonly (string | null)[],
  ): Promise<InstructionViewRow[]> {
    return tx.rows<InstructionViewRow>(
      `SELECT ${columns} FROM settlement.instruction
        WHERE ($1::text IS NULL OR book_id = $1) AND ($2::text IS NULL OR place_id = $2) AND ($3::date IS NULL OR settlement_date = $3)
          AND ($4::text IS NULL OR settlement_status = $4) AND ($5::text IS NULL OR matching_status = $5) AND ($6::text IS NULL OR processing_status = $6)
          AND ($7::text IS NULL OR reason_code = $7) AND ($8::text IS NULL OR client_account = $8) AND ($9::text IS NULL OR execution_id = $9)
          AND ($10::boolean IS NULL OR (party_hold OR csd_hold OR validation_hold OR conditional_hold OR compliance_hold) = $10)
          AND ($11::date IS NULL OR (settlement_date, instruction_id) > ($11::date, $12::text))
        ORDER BY settlement_date, instruction_id LIMIT $13`,
      [
        filter.book ?? null,
        filter.place ?? null,
        filter.settlementDate ?? null,
        filter.settlementStatus ?? null,
        filter.matchingStatus ?? null,
        filter.processingStatus ?? null,
        filter.reasonCode ?? null,
        filter.clientAccount ?? null,
        filter.executionId ?? null,
        filter.isHeld ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        limit,
      ],
    );
  }

  async history(tx: Tx, ids: readonly string[]): Promise<Map<string, InstructionStatusChangeType[]>> {
    const rows = await tx.rows<InstructionStatusChangeType & { instructionId: string }>(
      `SELECT instruction_id AS "instructionId", process, from_status AS "fromStatus", to_status AS "toStatus", reason_code AS "reasonCode", at
         FROM settlement.instruction_status_history WHERE instruction_id = ANY($1::text[]) ORDER BY instruction_id, sequence`,
      [ids],
    );
    return grouped(rows);
  }

  async settlements(tx: Tx, ids: readonly string[]): Promise<Map<string, InstructionSettlementType[]>> {
    const rows = await tx.rows<{
      instructionId: string;
      quantityUnits: string;
      quantityScale: number;
      amountMinor: string;
      currency: string;
      payment: string;
      effectiveDate: string;
      state: string;
      refusalCode: string | null;
      marketReference: string | null;
      entryId: string | null;
    }>(
      `SELECT s.instruction_id AS "instructionId", s.quantity_units AS "quantityUnits", i.quantity_scale AS "quantityScale", s.amount_minor AS "amountMinor",
              i.currency, i.payment, s.effective_date AS "effectiveDate", s.state, s.refusal_code AS "refusalCode", s.market_reference AS "marketReference", s.entry_id AS "entryId"
         FROM settlement.instruction_settlement s JOIN settlement.instruction i USING (instruction_id)
        WHERE s.instruction_id = ANY($1::text[]) ORDER BY s.instruction_id, s.requested_at, s.entry_key`,
      [ids],
    );
    return grouped(
      rows.map((row) => ({
        ...row,
        quantity: formatDecimal(BigInt(row.quantityUnits), row.quantityScale),
        amount:
          row.payment === 'FREE'
            ? null
            : {
                amount: formatDecimal(BigInt(row.amountMinor), currencyExponent(row.currency)),
                currency: row.currency,
              },
        journalEntry: row.entryId === null ? null : { id: row.entryId },
      })),
    );
  }
}

function grouped<Row extends { instructionId: string }>(rows: readonly Row[]): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const list = found.get(row.instructionId);
    if (list) list.push(row);
    else found.set(row.instructionId, [row]);
  }
  return found;
}
