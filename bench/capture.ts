import { chunk } from '#libs/kernel/index.js';
import { goodLine, intakeForTests, seedStaticData } from '../apps/settlement/src/trades/for-tests.js';
import { type RawTradeLine } from '../apps/settlement/src/trades/trade-line.js';
import { withDatabase } from './database.js';
import { type BenchArguments, compare, type Comparison, timed } from './harness.js';

const linesPerTransaction = 500;

/** Good lines; every tenth names its counterparty in free text, which is sealed and sent to screening. */
function linesOf(round: number, count: number, prefix: string): RawTradeLine[] {
  return Array.from({ length: count }, (_, n) => {
    const quantity = 1 + (n % 900);
    return goodLine({
      executionId: `${prefix}-${round}-${n}`,
      side: n % 2 === 0 ? 'BUY' : 'SELL',
      quantity: String(quantity),
      price: '101.50',
      amount: `${Math.floor((quantity * 10_150) / 100)}.${String((quantity * 10_150) % 100).padStart(2, '0')}`,
      clientAccount: `C00000${1 + (n % 3)}`,
      ...(n % 10 === 0 ? { counterparty: '', counterpartyName: `Trading House ${n % 97}` } : {}),
    });
  });
}

const columns: readonly (keyof RawTradeLine)[] = [
  'source',
  'executionId',
  'version',
  'action',
  'tradeTime',
  'tradeDate',
  'settlementDate',
  'side',
  'assetClass',
  'market',
  'isin',
  'quantity',
  'price',
  'currency',
  'amount',
  'clientAccount',
  'counterparty',
  'counterpartyName',
  'place',
  'block',
];

export async function capture(options: BenchArguments): Promise<Comparison> {
  const count = options.number('lines', 5_000);
  return withDatabase(['settlement'], async (database) => {
    const transactions = database.transactions('settlement');
    await seedStaticData(transactions);
    const { trades } = intakeForTests();
    await database.owner.query(`
      CREATE SCHEMA bench;
      CREATE TABLE bench.line (${columns.map((name) => `"${name}" text NOT NULL`).join(', ')}, PRIMARY KEY (source, "executionId", version));
      GRANT USAGE ON SCHEMA bench TO settlement;
      GRANT INSERT ON bench.line TO settlement;
    `);
    const insert = `INSERT INTO bench.line SELECT * FROM jsonb_to_recordset($1::jsonb) AS r(${columns.map((name) => `"${name}" text`).join(', ')})`;
    return compare(
      {
        compared: `${count} trade lines, ${linesPerTransaction} a transaction: capture (validated, versioned, enriched, sealed, announced, audited) against INSERT of the same lines into a bare table with a primary key, same Postgres`,
        unit: 'lines',
        unitsPerRound: count,
        rounds: options.rounds,
      },
      {
        name: 'capture through the service',
        run: (round) => {
          const lines = linesOf(round, count, 'P');
          return timed(async () => {
            for (const part of chunk(lines, linesPerTransaction)) {
              const outcomes = await transactions.run((tx) =>
                trades.capture(tx, part, { fileId: null, capturedBy: 'bench' }),
              );
              const other = outcomes.find(({ outcome }) => outcome !== 'CAPTURED');
              if (other) throw new Error(`a line was not captured: ${JSON.stringify(other)}`);
            }
          });
        },
      },
      {
        name: 'INSERT into a bare table',
        run: (round) => {
          const lines = linesOf(round, count, 'B');
          return timed(async () => {
            for (const part of chunk(lines, linesPerTransaction))
              await transactions.run((tx) => tx.execute(insert, [JSON.stringify(part)]));
          });
        },
      },
    );
  });
}
