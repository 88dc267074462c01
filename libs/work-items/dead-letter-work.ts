import { type Tx } from '#libs/database/index.js';
import { type DeadLetter, type DeadLetterEnd, DeadLetterSink } from '#libs/messaging/index.js';
import { type WorkItems } from './work-items.js';

const keyOf = (messageId: string): string => `dead-letter:${messageId}`;

/** By when a message that died now has to be looked at. */
export type DueAt = (tx: Tx) => Promise<Date>;

/** So many hours from now, by the business clock: money, a trade or a payment may stand still behind the message. */
export const dueWithinHours =
  (hours: number): DueAt =>
  async (tx) => {
    const clock = await tx.row<{ due: Date }>('SELECT kernel.now() + make_interval(hours => $1) AS due', [hours]);
    if (clock === undefined) throw new Error('the database told no time');
    return clock.due;
  };

/** A message that was given up is work for operations, until somebody has it tried again or discards it. */
export class DeadLetterWork extends DeadLetterSink {
  constructor(
    private readonly workItems: WorkItems,
    private readonly dueAt: DueAt,
  ) {
    super();
  }

  async record(tx: Tx, letter: DeadLetter): Promise<boolean> {
    // Retried and dead again: it is somebody's again, also when its item was closed.
    await this.workItems.openAgain(tx, [
      {
        key: keyOf(letter.messageId),
        kind: 'DEAD_LETTER',
        category: 'DEAD_LETTER',
        objectKind: 'MESSAGE',
        objectId: letter.messageId,
        reference: letter.businessKey ?? letter.name,
        reasonCode: letter.error.code,
        bookId: '*',
        ownerTeam: 'operations',
        dueAt: await this.dueAt(tx),
        nextAction: 'Find the cause, then retry or discard the job',
      },
    ]);
    return true;
  }

  async ended(tx: Tx, { messageId, how, reason, by }: DeadLetterEnd): Promise<void> {
    await this.workItems.close(tx, keyOf(messageId), `${how === 'RETRIED' ? 'retried' : 'discarded'}: ${reason}`, by);
  }
}
