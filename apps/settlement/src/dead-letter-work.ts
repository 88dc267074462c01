import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type DeadLetter, DeadLetterSink } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';

/** A message that settlement gave up is looked at within two hours: behind it a trade or a payment stands still. */
const dueWithinMs = 2 * 3_600_000;

@Injectable()
export class DeadLetterWork extends DeadLetterSink {
  constructor(private readonly workItems: WorkItems) {
    super();
  }

  async record(tx: Tx, letter: DeadLetter): Promise<boolean> {
    const clock = await tx.row<{ now: Date }>('SELECT kernel.now() AS now');
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
        dueAt: new Date((clock?.now ?? new Date()).getTime() + dueWithinMs),
        nextAction: 'Find the cause, then retry or discard the job',
      },
    ]);
    return true;
  }
}
