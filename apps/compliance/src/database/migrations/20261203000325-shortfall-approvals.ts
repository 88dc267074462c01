import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { withKinds, withoutKinds } from '../approval-kinds.js';

const added = ['SHORTFALL_COVER'];

/** What clients are short of is covered by two people. The kinds that are there are read from the constraint, so that none is lost. */
export class ShortfallApprovals20261203000325 implements MigrationInterface {
  name = 'ShortfallApprovals20261203000325';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(withKinds(added));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(withoutKinds(added));
  }
}
