import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { AssetsRepository } from './assets.repository.js';

@Injectable()
export class AssetsProcessor {
  constructor(private readonly assets: AssetsRepository) {}

  @Handles('accounting.register-assets.v1')
  async register(tx: Tx, { items }: PayloadOf<'accounting.register-assets.v1'>): Promise<void> {
    const known = await this.assets.find(
      tx,
      items.map(({ asset }) => asset),
    );
    const changed = items.find(
      (item) => known.get(item.asset) !== undefined && known.get(item.asset)?.scale !== item.scale,
    );
    if (changed)
      throw new Error(
        `${changed.asset} is kept at scale ${known.get(changed.asset)?.scale ?? 0}: it cannot become ${changed.scale}`,
      );
    await this.assets.register(tx, items);
  }
}
