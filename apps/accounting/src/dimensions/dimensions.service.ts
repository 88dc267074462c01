import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { checkDimensions, type CostOfCode, costByCentre, type DimensionOfPosting } from './dimensions.js';
import { DimensionsRepository, type DimensionValueRow } from './dimensions.repository.js';

export interface ShownCost extends CostOfCode {
  readonly name: string;
  readonly scale: number;
}

@Injectable()
export class Dimensions {
  constructor(
    private readonly repository: DimensionsRepository,
    private readonly audit: AuditTrail,
  ) {}

  /** What a book does not allow on a date. Asked before anything is booked. */
  async check(
    tx: Tx,
    book: string,
    date: string,
    asked: readonly { dimension: string; value: string; path: readonly (string | number)[] }[],
  ): Promise<Problem[]> {
    if (asked.length === 0) return [];
    return checkDimensions(asked, await this.repository.values(tx, book, null), date);
  }

  /** In the transaction of the entries; the tables refuse it later. */
  async keep(tx: Tx, book: string, told: readonly DimensionOfPosting[]): Promise<void> {
    if (told.length > 0) await this.repository.keep(tx, book, told);
  }

  values(tx: Tx, book: string, dimension: string | null): Promise<DimensionValueRow[]> {
    return this.repository.values(tx, book, dimension);
  }

  /** A new value, or another name and another end of one that is there. */
  async set(
    tx: Tx,
    wanted: DimensionValueRow,
    by: string,
  ): Promise<{ value?: DimensionValueRow; problems: Problem[] }> {
    if (!(await this.repository.hasBook(tx, wanted.book)))
      return { problems: [problem('BOOK_NOT_FOUND', `There is no book ${wanted.book}`, ['book'])] };
    if (wanted.validTo !== null && wanted.validTo < wanted.validFrom)
      return { problems: [problem('DATES_OUT_OF_ORDER', 'It ends before it begins', ['validTo'])] };
    const before = await this.repository.lockValue(tx, wanted);
    if (before && before.validFrom !== wanted.validFrom)
      return { problems: [problem('DIMENSION_VALUE_STAYS', `It began on ${before.validFrom}`, ['validFrom'])] };
    if (before && wanted.validTo !== null) {
      const lastUse = await this.repository.lastUse(tx, wanted);
      if (lastUse !== null && lastUse > wanted.validTo)
        return { problems: [problem('DIMENSION_VALUE_IN_USE', `It is used on ${lastUse}`, ['validTo'])] };
    }
    await (before ? this.repository.change(tx, wanted) : this.repository.add(tx, wanted));
    const { book, dimension, value, ...after } = wanted;
    await this.audit.append(tx, {
      action: before ? 'DIMENSION_VALUE_CHANGED' : 'DIMENSION_VALUE_ADDED',
      objectKind: 'DIMENSION_VALUE',
      objectId: `${book}/${dimension}/${value}`,
      bookId: book,
      principal: by,
      ...(before ? { before: { name: before.name, validTo: before.validTo } } : {}),
      after,
    });
    return { value: wanted, problems: [] };
  }

  async costByCentre(
    tx: Tx,
    asked: { book: string; from: string; to: string; dimension: string },
  ): Promise<ShownCost[]> {
    const totals = await this.repository.expenses(tx, asked.book, asked.from, asked.to);
    const amounts = await this.repository.distributed(tx, asked);
    const named = new Map([...totals, ...amounts].map((one) => [`${one.code} ${one.asset}`, one]));
    return costByCentre(totals, amounts).map((cost) => {
      const { name = '', scale = 0 } = named.get(`${cost.code} ${cost.asset}`) ?? {};
      return { ...cost, name, scale };
    });
  }
}
