import { Injectable } from '@nestjs/common';
import { type AccountStated } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';

/** What agents and places stated, part by part. */
@Injectable()
export class AgentStatementsRepository {
  async keep(tx: Tx, stated: AccountStated): Promise<void> {
    const { statementId, book, account, kind, number, statementDate, parts, part } = stated;
    if (part === 1)
      await tx.execute(
        `INSERT INTO accounting.agent_statement (statement_id, book_id, account, kind, number, statement_date, parts) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [statementId, book, account, kind, number, statementDate, parts],
      );
    await tx.execute(`INSERT INTO accounting.agent_statement_part (statement_id, book_id, part) VALUES ($1, $2, $3)`, [
      statementId,
      book,
      part,
    ]);
    await tx.execute(
      `WITH balances AS (
         INSERT INTO accounting.agent_balance (statement_id, book_id, asset, units, price, price_factor, price_currency, price_date)
         SELECT $1, $2, b.asset, b.units, (b.price->>'amount')::numeric, (b.price->>'factor')::numeric, b.price->>'currency', (b.price->>'date')::date
           FROM jsonb_to_recordset($4::jsonb) AS b(asset text, units numeric, price jsonb)),
       rates AS (
         INSERT INTO accounting.agent_rate (statement_id, book_id, base, quote, rate, rate_date)
         SELECT $1, $2, r.base, r.quote, r.rate, r.date FROM jsonb_to_recordset($5::jsonb) AS r(base text, quote text, rate numeric, date date))
       INSERT INTO accounting.agent_entry (statement_id, n, book_id, account, asset, units, reference, code)
       SELECT $1, e.n, $2, $3, e.asset, e.units, e.reference, e.code
         FROM jsonb_to_recordset($6::jsonb) AS e(n int, asset text, units numeric, reference text, code text)`,
      [
        statementId,
        book,
        account,
        JSON.stringify(stated.balances),
        JSON.stringify(stated.rates),
        JSON.stringify(stated.entries),
      ],
    );
  }
}
