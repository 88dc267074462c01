import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type Asset, AssetsRepository } from './assets.repository.js';

/** What the ledger can hold: currencies and instruments, each at the scale it was first registered with. */
@Injectable()
export class Assets {
  constructor(private readonly repository: AssetsRepository) {}

  find(tx: Tx, assets: readonly string[]): Promise<Map<string, Asset>> {
    return this.repository.find(tx, assets);
  }

  ensureCurrencies(tx: Tx, codes: Iterable<string>): Promise<void> {
    return this.repository.ensureCurrencies(tx, codes);
  }

  /** Registering again is harmless; another scale would change every amount booked so far. */
  async register(tx: Tx, assets: readonly Asset[]): Promise<void> {
    const known = await this.repository.find(
      tx,
      assets.map(({ asset }) => asset),
    );
    for (const { asset, scale } of assets) {
      const kept = known.get(asset);
      if (kept !== undefined && kept.scale !== scale)
        throw new Error(`${asset} is kept at scale ${kept.scale}: it cannot become ${scale}`);
    }
    await this.repository.register(tx, assets);
  }
}
