import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { shortfallCovers } from '../client-assets.js';

/** Two people cover with the firm's own money what clients are short of. */
export class ShortfallCovers20261203000324 implements MigrationInterface {
  name = 'ShortfallCovers20261203000324';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(shortfallCovers);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE accounting.shortfall_cover;
      DROP FUNCTION accounting.shortfall_cover_changes();`);
  }
}
