import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { Blocks, type Wanted } from '../blocks/blocks.service.js';
import { type WantedState } from './accounts.js';
import { decideOpenings, type OpeningOutcome } from './openings.js';
import {
  type AccountRow,
  AccountsRepository,
  type BalanceRow,
  type NewAccount,
  type NewLimit,
  type NostroOf,
} from './accounts.repository.js';

type AccountKey = { readonly book: string; readonly number: string };

/** An account that somebody wants in a state, and why. */
export type WantedAccount = AccountKey & Omit<Wanted, 'state'> & { readonly state: WantedState };

const requester = 'service:accounting';

/** What other features ask of accounts. */
@Injectable()
export class Accounts {
  constructor(
    private readonly repository: AccountsRepository,
    private readonly blocks: Blocks,
  ) {}

  byNumber(tx: Tx, keys: readonly AccountKey[]): Promise<AccountRow[]> {
    return this.repository.byNumber(tx, keys);
  }

  balancesOf(tx: Tx, keys: readonly AccountKey[]): Promise<BalanceRow[]> {
    return this.repository.balancesOf(tx, keys);
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
    await this.setStates(tx, accounts.map(wantedOf), requester);
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
    const opened = asked.filter((_, n) => outcomes[n]?.outcome === 'OPENED');
    await this.repository.open(tx, opened);
    await this.blocks.follow(tx, toBeBlocked(opened.map(wantedOf)), requester);
    return outcomes;
  }

  /** Closes and opens; blocks without a code are placed and lifted as the states say, those with a code stay. Of two for a number the later counts. */
  async setStates(tx: Tx, wanted: readonly WantedAccount[], by: string): Promise<void> {
    const last = [...new Map(wanted.map((one) => [`${one.book}/${one.number}`, one])).values()];
    await this.repository.setStates(
      tx,
      last.map(({ book, number, state }) => ({ book, number, state: state === 'CLOSED' ? 'CLOSED' : 'OPEN' })),
    );
    await this.blocks.follow(
      tx,
      last.flatMap((one) => (one.state === 'CLOSED' ? [] : [{ ...one, state: one.state }])),
      by,
    );
  }
}

const wantedOf = ({ book, number, state, importId }: NewAccount): WantedAccount => ({
  book,
  number,
  state,
  reason: importId === null ? 'Was opened so' : 'Came so with the import',
  reference: importId,
});

const toBeBlocked = (wanted: readonly WantedAccount[]): Wanted[] =>
  wanted.flatMap((one) => (one.state === 'BLOCKED' ? [{ ...one, state: one.state }] : []));
