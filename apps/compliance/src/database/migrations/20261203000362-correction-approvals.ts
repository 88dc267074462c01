import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { withKinds, withoutKinds } from '../approval-kinds.js';

const added = ['BULK_CORRECTION'];

/**
 * Corrections in bulk are agreed to by a second person too. The kinds that are there already
 * are read from the constraint itself, so that none is lost whichever came before.
 */
export class CorrectionApprovals20261203000362 implements MigrationInterface {
  name = 'CorrectionApprovals20261203000362';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(withKinds(added));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(withoutKinds(added));
  }
}
