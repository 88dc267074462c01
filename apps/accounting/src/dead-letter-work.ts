import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type DeadLetter, DeadLetterSink } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';

/** A message that accounting gave up is work for operations, and soon: money may hang on it. */
@Injectable()
export class DeadLetterWork extends DeadLetterSink {
  constructor(private readonly workItems: WorkItems) {
    super();
  }

  async record(tx: Tx, letter: DeadLetter): Promise<boolean> {
    const clock = await tx.row<{ due: Date }>(`SELECT kernel.now() + interval '4 hours' AS due`);
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
        dueAt: clock?.due ?? new Date(0),
        nextAction: 'Find the cause, then retry or discard the job',
      },
    ]);
    return true;
  }
}
