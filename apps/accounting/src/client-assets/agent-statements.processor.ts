import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { AgentStatementsRepository } from './agent-statements.repository.js';

/** Settlement reads the files of agents and places; the ledger keeps what they state, and proves client assets by it. */
@Injectable()
export class AgentStatementsProcessor {
  constructor(private readonly statements: AgentStatementsRepository) {}

  @Handles('settlement.account-stated.v1')
  async stated(tx: Tx, stated: PayloadOf<'settlement.account-stated.v1'>): Promise<void> {
    await this.statements.keep(tx, stated);
  }
}
