import { Injectable, Logger } from '@nestjs/common';
import { Transactions } from '#libs/database/index.js';
import { type Found, Loop } from './loop.js';
import { MessagingOptions } from './messaging.options.js';
import { Outbox, type MessageToAdd } from './outbox.js';
import { Schedules } from './schedules.js';

/** Turns due slots into messages; the row of a slot and its message are one transaction. */
@Injectable()
export class Scheduler {
  private readonly logger = new Logger('Scheduler');
  private readonly loop: Loop;

  constructor(
    private readonly transactions: Transactions,
    private readonly schedules: Schedules,
    private readonly outbox: Outbox,
    options: MessagingOptions,
  ) {
    this.loop = new Loop(
      () => this.fire(),
      options.scheduleEveryMs,
      (error, failures) => {
        if (failures === 1)
          this.logger.warn(`schedules wait: ${error instanceof Error ? error.message : String(error)}`);
      },
    );
  }

  /** The database's schedules are made those of the code. */
  async declare(): Promise<void> {
    const rows = this.schedules.all().map((schedule) => ({
      name: schedule.name,
      everySeconds: schedule.everySeconds ?? null,
      time: schedule.at?.time ?? null,
      zone: schedule.at?.zone ?? null,
      catchUp: schedule.catchUp ?? 'last',
    }));
    await this.transactions.run((tx) =>
      tx.execute('SELECT messaging.declare_schedules($1::jsonb)', [JSON.stringify(rows)]),
    );
  }

  start(): void {
    if (this.schedules.all().length > 0) this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  private fire(): Promise<Found> {
    return this.transactions.run<Found>(async (tx) => {
      const slots = await tx.rows<{ schedule: string; slot: Date }>(
        'SELECT schedule, slot FROM messaging.take_slots()',
      );
      const declared = new Map(this.schedules.all().map((schedule) => [schedule.name, schedule]));
      const messages = slots.flatMap(({ schedule, slot }) => {
        const found = declared.get(schedule);
        // Another release of the service, still running beside this one, declared it: its slot stays with it.
        if (found === undefined) throw new Error(`schedule ${schedule} is not of this release`);
        return [
          {
            ...found.message,
            businessKey: `${schedule} ${slot.toISOString()}`,
            requestedBy: 'schedule',
          } as MessageToAdd,
        ];
      });
      await this.outbox.addAll(tx, messages);
      return 'some';
    });
  }
}
