import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { Suspense } from './suspense.service.js';

@Injectable()
export class SuspenseProcessor {
  constructor(private readonly suspense: Suspense) {}

  /** With the soft close of a period what is left on its suspense accounts becomes somebody's work. */
  @Handles('accounting.period-changed.v1')
  async periodChanged(tx: Tx, { book, lastDate, state }: PayloadOf<'accounting.period-changed.v1'>): Promise<void> {
    if (state === 'SOFT_CLOSED') await this.suspense.raise(tx, book, lastDate, 'service:accounting');
  }
}
