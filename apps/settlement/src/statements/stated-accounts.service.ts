import { Injectable } from '@nestjs/common';
import { type AccountStated, itemsPerCommandMax } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { closingOf, isBooked, type Statement, type StatementEntry } from '#libs/iso20022/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { StaticDataService } from '../static-data/static-data.service.js';

type StatedEntry = AccountStated['entries'][number];

/** What every message of one statement says of it. */
type Head = Pick<AccountStated, 'statementId' | 'account' | 'book' | 'number' | 'statementDate'>;

/** An accepted statement is told to the ledger, which proves client assets against it. */
@Injectable()
export class StatedAccountsService {
  constructor(
    private readonly outbox: Outbox,
    private readonly staticData: StaticDataService,
  ) {}

  async tellMoney(tx: Tx, head: Head, statement: Statement): Promise<void> {
    const closing = closingOf(statement);
    if (closing === undefined) throw new Error(`${head.statementId} has no closing balance`);
    const items = statement.entries.filter(isBooked).flatMap(itemsOf);
    const named = await this.paymentsOf(
      tx,
      head.account,
      items.flatMap(({ reference, endToEndId }) => (reference === undefined && endToEndId ? [endToEndId] : [])),
    );
    const entries = items.map(({ endToEndId, ...item }, index): StatedEntry => {
      const reference = item.reference ?? named.get(endToEndId ?? '');
      return { n: index + 1, ...item, ...(reference === undefined ? {} : { reference }) };
    });
    const balances = [{ asset: closing.currency, units: closing.signedMinor.toString() }];
    await this.tell(tx, 'MONEY', head, balances, entries);
  }

  async tellDepot(tx: Tx, head: Head, holdings: readonly { isin: string; units: bigint }[]): Promise<void> {
    const isins = holdings.map(({ isin }) => isin);
    const prices = await this.staticData.pricesOf(tx, isins, head.statementDate);
    const instruments = await this.staticData.instrumentsOf(tx, isins, head.statementDate);
    const balances = holdings.map(({ isin, units }): AccountStated['balances'][number] => {
      const price = prices.get(isin);
      const factor = instruments.get(isin)?.priceFactor;
      return {
        asset: isin,
        units: units.toString(),
        ...(price && factor !== undefined
          ? { price: { amount: price.price, factor, currency: price.currency, date: price.priceDate } }
          : {}),
      };
    });
    await this.tell(tx, 'CUSTODY', head, balances, []);
  }

  private async tell(
    tx: Tx,
    kind: AccountStated['kind'],
    head: Head,
    balances: AccountStated['balances'],
    entries: readonly StatedEntry[],
  ): Promise<void> {
    const rates = await this.staticData.ratesOn(tx, head.statementDate);
    const parts = Math.max(1, ...[balances, entries].map(({ length }) => Math.ceil(length / itemsPerCommandMax)));
    for (let part = 1; part <= parts; part += 1) {
      const from = (part - 1) * itemsPerCommandMax;
      await this.outbox.add(tx, 'settlement.account-stated.v1', {
        ...head,
        kind,
        part,
        parts,
        balances: balances.slice(from, from + itemsPerCommandMax),
        entries: entries.slice(from, from + itemsPerCommandMax),
        rates: part === 1 ? rates.slice(0, itemsPerCommandMax) : [],
      });
    }
  }

  /** An agent that says only what the customer called his payment is understood when just one payment is called so. */
  private async paymentsOf(tx: Tx, account: string, endToEndIds: readonly string[]): Promise<Map<string, string>> {
    if (endToEndIds.length === 0) return new Map();
    const rows = await tx.rows<{ endToEndId: string; paymentId: string }>(
      `SELECT end_to_end_id AS "endToEndId", min(payment_id) AS "paymentId" FROM settlement.payment
        WHERE end_to_end_id = ANY($1::text[]) AND nostro_account = $2 GROUP BY 1 HAVING count(*) = 1`,
      [endToEndIds, account],
    );
    return new Map(rows.map(({ endToEndId, paymentId }) => [endToEndId, paymentId]));
  }
}

interface Item extends Omit<StatedEntry, 'n'> {
  readonly endToEndId?: string | undefined;
}

/** One item for an entry, or one for each transaction in it when their amounts make up the entry. */
export function itemsOf(entry: StatementEntry): Item[] {
  const code = entry.transactionCode === undefined ? {} : { code: entry.transactionCode.slice(0, 64) };
  const item = (signedMinor: bigint, detail: StatementEntry['details'][number] | undefined): Item => {
    const reference = detail?.ownerTransactionId ?? detail?.instructionId;
    return {
      asset: entry.currency,
      units: signedMinor.toString(),
      ...(reference === undefined ? {} : { reference: reference.slice(0, 64) }),
      ...code,
      endToEndId: detail?.endToEndId,
    };
  };
  const { details } = entry;
  if (details.length <= 1) return [item(entry.signedMinor, details[0])];
  const sign = entry.signedMinor < 0n ? -1n : 1n;
  const amounts = details.map(({ amount }) => (amount?.currency === entry.currency ? amount.amountMinor * sign : 0n));
  const isWhole = amounts.every((one) => one !== 0n) && amounts.reduce((sum, one) => sum + one) === entry.signedMinor;
  return isWhole
    ? details.map((detail, index) => item(amounts[index] ?? 0n, detail))
    : [item(entry.signedMinor, undefined)];
}
