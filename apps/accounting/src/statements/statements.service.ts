import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { StatementsRepository } from './statements.repository.js';

/** What other features ask of statements. */
@Injectable()
export class Statements {
  constructor(private readonly repository: StatementsRepository) {}

  ledgerAccount(
    tx: Tx,
    book: string,
    number: string,
    asset: string,
  ): ReturnType<StatementsRepository['ledgerAccount']> {
    return this.repository.ledgerAccount(tx, book, number, asset);
  }
}
