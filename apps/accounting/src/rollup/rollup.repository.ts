import { type Tx } from '#libs/database/index.js';

/** One transaction of the fold is short: it holds the rows of the accounts it folds. */
export const foldMax = { accounts: 50, postingsOfAccount: 5_000 };

/** Folds the tails of some rollup accounts; `isFull` when there may be more at once. */
export async function foldRollups(tx: Tx): Promise<{ postings: number; isFull: boolean }> {
  const row = await tx.row<{ accounts: number; postings: number; most: number }>(
    'SELECT accounts, postings, most FROM accounting.fold_rollups($1, $2)',
    [foldMax.accounts, foldMax.postingsOfAccount],
  );
  const { accounts = 0, postings = 0, most = 0 } = row ?? {};
  return { postings, isFull: accounts >= foldMax.accounts || most >= foldMax.postingsOfAccount };
}
