import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { DeadLetterSink, type DeadLetter } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { alertDueAt } from './alerts/alerts.js';
import { BusinessDays } from './business-days/business-days.service.js';
import { ComplianceConfig } from './compliance.config.js';

/** A message that compliance gave up is work for operations. */
@Injectable()
export class DeadLetterWork extends DeadLetterSink {
  constructor(
    private readonly workItems: WorkItems,
    private readonly businessDays: BusinessDays,
    private readonly config: ComplianceConfig,
  ) {
    super();
  }

  async record(tx: Tx, letter: DeadLetter): Promise<boolean> {
    // Retried and dead again: it is somebody’s again, also when its item was closed.
    await this.workItems.openAgain(tx, [
      {
        key: `dead-letter:${letter.messageId}`,
        kind: 'DEAD_LETTER',
        category: 'DEAD_LETTER',
        objectKind: 'MESSAGE',
        objectId: letter.messageId,
        reference: letter.businessKey ?? letter.name,
        reasonCode: letter.error.code,
        bookId: '*',
        ownerTeam: 'operations',
        dueAt: alertDueAt(await this.businessDays.now(tx), this.config),
        nextAction: 'Find the cause, then retry or discard the job',
      },
    ]);
    return true;
  }
}
