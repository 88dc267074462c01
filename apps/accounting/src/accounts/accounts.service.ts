import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type AccountState } from './accounts.js';
import { decideOpenings, type OpeningOutcome } from './openings.js';
import {
  type AccountRow,
  AccountsRepository,
  type NewAccount,
  type NewLimit,
  type NostroOf,
} from './accounts.repository.js';

type AccountKey = { readonly book: string; readonly number: string };

/** What other features ask of accounts. */
@Injectable()
export class Accounts {
  constructor(private readonly repository: AccountsRepository) {}

  byNumber(tx: Tx, keys: readonly AccountKey[]): Promise<AccountRow[]> {
    return this.repository.byNumber(tx, keys);
  }

  booksOfNumber(tx: Tx, number: string): Promise<string[]> {
    return this.repository.booksOfNumber(tx, number);
  }

  nostrosOf(tx: Tx, asked: readonly { book: string; currency: string }[]): Promise<NostroOf> {
    return this.repository.nostrosOf(tx, asked);
  }

  /** Opens them in their states and with their limits; what stands there already is brought to what is given. */
  async open(tx: Tx, accounts: readonly NewAccount[], limits: readonly NewLimit[] = []): Promise<void> {
    await this.repository.open(tx, accounts);
    const states = new Map(accounts.map(({ book, number, state }) => [`${book}/${number}`, { book, number, state }]));
    await this.repository.setStates(tx, [...states.values()]);
    await this.repository.setLimits(tx, limits);
  }

  /** Opens accounts of a book, with an outcome for each: nothing that stands there is changed. */
  async openEach(tx: Tx, asked: readonly (NewAccount & { readonly group?: string })[]): Promise<OpeningOutcome[]> {
    const keys = asked.map(({ book, number }) => ({ book, number }));
    await this.repository.lockNumbers(tx, keys);
    const [rows, assets] = [await this.repository.byNumber(tx, keys), await this.repository.assetsOf(tx, asked)];
    const idOf = ({ book, number }: AccountKey) => `${book}/${number}`;
    const outcomes = decideOpenings(
      asked.map((account) => ({
        number: idOf(account),
        terms: account,
        ...(account.group === undefined ? {} : { group: account.group }),
      })),
      new Map(rows.map((row) => [idOf(row), row])),
      (asset) => assets.has(asset),
    );
    await this.repository.open(
      tx,
      asked.filter((_, n) => outcomes[n]?.outcome === 'OPENED'),
    );
    return outcomes;
  }

  setStates(tx: Tx, accounts: readonly (AccountKey & { readonly state: AccountState })[]): Promise<void> {
    return this.repository.setStates(tx, accounts);
  }
}
