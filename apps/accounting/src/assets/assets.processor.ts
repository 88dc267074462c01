import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { Assets } from './assets.service.js';

@Injectable()
export class AssetsProcessor {
  constructor(private readonly assets: Assets) {}

  @Handles('accounting.register-assets.v1')
  async register(tx: Tx, { items }: PayloadOf<'accounting.register-assets.v1'>): Promise<void> {
    await this.assets.register(tx, items);
  }
}
