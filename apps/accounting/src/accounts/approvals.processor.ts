import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { ShortfallCovers } from '../client-assets/shortfall-covers.service.js';
import { Bills } from '../bills/bills.service.js';
import { Corrections } from '../corrections/corrections.service.js';
import { Reversals } from '../journal/reversals.service.js';
import { JournalSettings } from '../manual-journals/journal-settings.service.js';
import { ManualJournals } from '../manual-journals/manual-journals.service.js';
import { Reopenings } from '../periods/reopenings.service.js';
import { RuleChanges } from '../posting-rules/rule-changes.service.js';
import { Rates } from '../rates/rates.service.js';
import { LimitChanges } from './limit-changes.service.js';

@Injectable()
export class ApprovalsProcessor {
  constructor(
    private readonly journalSettings: JournalSettings,
    private readonly bills: Bills,
    private readonly corrections: Corrections,
    private readonly limitChanges: LimitChanges,
    private readonly manualJournals: ManualJournals,
    private readonly reopenings: Reopenings,
    private readonly reversals: Reversals,
    private readonly ruleChanges: RuleChanges,
    private readonly rates: Rates,
    private readonly shortfallCovers: ShortfallCovers,
  ) {}

  @Handles('compliance.approval-decided.v1')
  async decided(tx: Tx, event: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    if (event.service !== 'accounting') return;
    // Of an account, or of what one person books alone: each knows its own proposals.
    if (event.kind === 'LIMIT_CHANGE') {
      await this.limitChanges.decided(tx, event);
      await this.journalSettings.decided(tx, event);
    }
    if (event.kind === 'MANUAL_JOURNAL') await this.manualJournals.decided(tx, event);
    if (event.kind === 'BULK_CORRECTION') await this.corrections.decided(tx, event);
    if (event.kind === 'MANUAL_REVERSAL') await this.reversals.decided(tx, event);
    if (event.kind === 'PERIOD_REOPENING') await this.reopenings.decided(tx, event);
    if (event.kind === 'POSTING_RULES') await this.ruleChanges.decided(tx, event);
    if (event.kind === 'SUPPLIER_BILL') await this.bills.decided(tx, event);
    if (event.kind === 'PRICE_OVERRIDE') await this.rates.decided(tx, event);
    if (event.kind === 'SHORTFALL_COVER') await this.shortfallCovers.decided(tx, event);
  }
}
