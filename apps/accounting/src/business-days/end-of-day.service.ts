import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';

/** What a feature still books, or compares, before a date closes. Run again it does nothing twice. */
export interface EndOfDayWork {
  readonly name: string;
  /** One transaction; `next` names where it goes on, and is absent at the end. */
  step(
    tx: Tx,
    book: string,
    businessDate: string,
    after: string | undefined,
  ): Promise<{ readonly next?: string; readonly counts: Readonly<Record<string, number>> }>;
}

/** Other features say here what belongs to the end of a day; it is done in this order, while the date still takes postings. */
@Injectable()
export class EndOfDay {
  private readonly added: EndOfDayWork[] = [];

  add(work: EndOfDayWork): void {
    this.added.push(work);
  }

  get work(): readonly EndOfDayWork[] {
    return this.added;
  }
}
