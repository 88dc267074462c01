import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { withKinds, withoutKinds } from '../approval-kinds.js';

const added = ['PERIOD_REOPENING', 'MANUAL_JOURNAL'];

/**
 * Periods are reopened, and journals by hand above a limit booked, by a second person too. The kinds that are there already
 * are read from the constraint itself, so that none is lost whichever came before.
 */
export class ClosingApprovals20261203000312 implements MigrationInterface {
  name = 'ClosingApprovals20261203000312';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(withKinds(added));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(withoutKinds(added));
  }
}
