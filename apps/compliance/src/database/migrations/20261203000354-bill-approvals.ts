import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { withKinds, withoutKinds } from '../approval-kinds.js';

const added = ['SUPPLIER_BILL'];

/**
 * Bills above a limit are approved by a second person too. The kinds that are there already
 * are read from the constraint itself, so that none is lost whichever came before.
 */
export class BillApprovals20261203000354 implements MigrationInterface {
  name = 'BillApprovals20261203000354';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(withKinds(added));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(withoutKinds(added));
  }
}
