import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Outbox } from '#libs/messaging/index.js';
import { Periods } from './periods.service.js';

/** Tells of every change of a period, with the change. */
@Injectable()
export class PeriodEvents implements OnModuleInit {
  constructor(
    private readonly periods: Periods,
    private readonly outbox: Outbox,
  ) {}

  onModuleInit(): void {
    this.periods.whenChanged(async (tx, { book, period, lastDate, state, version }) => {
      await this.outbox.add(tx, 'accounting.period-changed.v1', { book, period, lastDate, state, version });
    });
  }
}
