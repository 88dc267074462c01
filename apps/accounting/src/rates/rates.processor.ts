import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { Rates } from './rates.service.js';

@Injectable()
export class RatesProcessor {
  constructor(private readonly rates: Rates) {}

  @Handles('settlement.rates-versioned.v1')
  async ratesVersioned(tx: Tx, { items }: PayloadOf<'settlement.rates-versioned.v1'>): Promise<void> {
    await this.rates.keep(tx, 'RATE', items);
  }

  @Handles('settlement.prices-versioned.v1')
  async pricesVersioned(tx: Tx, { items }: PayloadOf<'settlement.prices-versioned.v1'>): Promise<void> {
    await this.rates.keep(
      tx,
      'PRICE',
      items.map(({ isin, currency, ...item }) => ({ base: isin, quote: currency, ...item })),
    );
  }
}
