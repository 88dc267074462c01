import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { balanceAt } from '../balance-at.js';

/** Balances on both axes: at a value date, as known at a moment. */
export class BalanceAt20261202000211 implements MigrationInterface {
  name = 'BalanceAt20261202000211';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(balanceAt);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP FUNCTION accounting.balance_at(bigint, date, timestamptz), accounting.first_place_from(bigint, date)',
    );
  }
}
