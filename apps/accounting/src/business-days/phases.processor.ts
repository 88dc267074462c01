import { Injectable } from '@nestjs/common';
import { type PayloadOf, type PhaseRun } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles, HandlesLong, type LongJob, Outbox } from '#libs/messaging/index.js';
import { ClientAssets } from '../client-assets/client-assets.service.js';
import { MerkleRoot } from '../journal/merkle.js';
import { clockOfBook, cutOffOfBook, nextDateOfBook } from './books.js';
import { BusinessDaysRepository } from './business-days.repository.js';
import { BusinessDays } from './business-days.service.js';
import { ControlTotalsRepository } from './control-totals.repository.js';
import { DayCalendarsService } from './day-calendars.service.js';
import { EndOfDay } from './end-of-day.service.js';
import { IssuedStatements } from '../statements/issued-statements.service.js';

interface Outcome {
  readonly counts: Record<string, number>;
  readonly problems: { code: string; message: string }[];
}

const hashesPerRead = 5_000;
const requester = 'service:accounting';

/** The phases that accounting works itself. Each leaves the same state however often it runs. */
@Injectable()
export class PhasesProcessor {
  constructor(
    private readonly businessDays: BusinessDays,
    private readonly days: BusinessDaysRepository,
    private readonly totals: ControlTotalsRepository,
    private readonly outbox: Outbox,
    private readonly calendars: DayCalendarsService,
    private readonly endOfDay: EndOfDay,
    private readonly clientAssets: ClientAssets,
    private readonly statements: IssuedStatements,
  ) {}

  @Handles('settlement.phase-completed.v1')
  async settlementCompleted(tx: Tx, done: PayloadOf<'settlement.phase-completed.v1'>): Promise<void> {
    await this.businessDays.complete(tx, done.phaseRunId, done.counts, done.problems);
    // The statements are in and the date is still worked: what is short can be covered on it.
    if (done.phase === 'FAIL_SNAPSHOT')
      await this.clientAssets.calculateBeside(tx, done.book, done.businessDate, requester);
  }

  @HandlesLong('accounting.run-phase.v1')
  async run(run: PayloadOf<'accounting.run-phase.v1'>, job: LongJob): Promise<void> {
    const before: Record<string, number> = {};
    if (run.phase === 'CONTROL_TOTALS') {
      for (const work of this.endOfDay.work) {
        for (let after: string | undefined; ;) {
          const done = await job.step((tx) => work.step(tx, run.book, run.businessDate, after));
          for (const [name, count] of Object.entries(done.counts)) before[name] = (before[name] ?? 0) + count;
          if (done.next === undefined) break;
          after = done.next;
        }
      }
      // From here on nothing more is booked with this date, so that the totals are of a whole.
      await job.step((tx) => this.days.changeState(tx, run.book, run.businessDate, ['OPEN'], 'CLOSING'));
    }
    await job.finish(async (tx) => {
      const { counts: own, problems } = await this.work(tx, run);
      const counts = { ...own, ...Object.fromEntries(Object.entries(before).filter(([, count]) => count > 0)) };
      job.progress(1, 1, counts);
      await this.businessDays.complete(tx, run.phaseRunId, counts, problems);
    });
  }

  /** Public for tests: one phase in one transaction. */
  async work(tx: Tx, run: PhaseRun): Promise<Outcome> {
    switch (run.phase) {
      case 'CONTROL_TOTALS':
        return this.controlTotals(tx, run);
      case 'TRIAL_BALANCE':
        return this.trialBalance(tx, run);
      case 'SEAL':
        return this.seal(tx, run);
      case 'ROLL':
        return this.roll(tx, run);
      case 'START_OF_DAY':
      case 'GATE':
      case 'AFFIRM':
      case 'INSTRUCT':
      case 'SETTLE':
      case 'CUT_OFF':
      case 'FAIL_SNAPSHOT':
        throw new Error(`${run.phase} is not accounting's work`);
    }
  }

  private async controlTotals(tx: Tx, { book, businessDate }: PhaseRun): Promise<Outcome> {
    const { compared, differences } = await this.totals.differences(tx, book);
    if (differences.length > 0) {
      // The arithmetic of the ledger is never overridden: the date opens again for what puts it right.
      await this.days.changeState(tx, book, businessDate, ['CLOSING'], 'OPEN');
    } else {
      await this.clientAssets.calculateBeside(tx, book, businessDate, requester);
    }
    return {
      counts: { totals: compared, differences: differences.length },
      problems: differences.map(({ total, where, left, right }) => ({
        code: 'CONTROL_TOTAL_BROKEN',
        message: `${total}: ${where}: ${left}, ${right}`,
      })),
    };
  }

  private async trialBalance(tx: Tx, { book, businessDate }: PhaseRun): Promise<Outcome> {
    const lines = await this.totals.storeTrialBalance(tx, book, businessDate);
    const differences = await this.totals.trialBalanceDifferences(tx, book, businessDate);
    return {
      counts: { lines },
      problems: differences.map(({ asset, debit, credit }) => ({
        code: 'TRIAL_BALANCE_BROKEN',
        message: `${asset}: debits ${debit}, credits ${credit}`,
      })),
    };
  }

  private async seal(tx: Tx, { book, businessDate }: PhaseRun): Promise<Outcome> {
    const tree = new MerkleRoot();
    for (let after = '0'; ;) {
      const rows = await this.totals.entryHashes(tx, book, businessDate, after, hashesPerRead);
      for (const { hash } of rows) tree.add(hash);
      const last = rows.at(-1);
      if (last === undefined || rows.length < hashesPerRead) break;
      after = last.sequence;
    }
    const isSame = await this.totals.storeSeal(tx, book, businessDate, tree.count, tree.hex());
    return {
      counts: { entries: tree.count },
      problems: isSame
        ? []
        : [{ code: 'SEAL_DIFFERS', message: `The entries of ${businessDate} are not those that were sealed` }],
    };
  }

  private async roll(tx: Tx, { book, businessDate }: PhaseRun): Promise<Outcome> {
    // A calendar that changes moves what follows a date behind this lock.
    await this.days.lockBook(tx, book);
    const day = await this.days.day(tx, book, businessDate);
    if (!day) throw new Error(`${book} has no ${businessDate}`);
    const isClosedNow = await this.days.changeState(tx, book, businessDate, ['CLOSING'], 'CLOSED');
    if (isClosedNow) {
      // The date takes no more postings, so its codes have what they have.
      await this.totals.storeLedgerTotals(tx, book, businessDate);
      const calendars = await this.calendars.current(tx);
      await this.days.insertNext(
        tx,
        book,
        day.nextBusinessDate,
        nextDateOfBook(book, day.nextBusinessDate, calendars),
        cutOffOfBook(book, day.nextBusinessDate, calendars),
      );
      await this.outbox.add(tx, 'accounting.business-day-changed.v1', {
        book,
        businessDate,
        state: 'CLOSED',
        nextBusinessDate: day.nextBusinessDate,
        ...clockOfBook(book),
      });
      await this.statements.dateClosed(tx, book, businessDate, day.nextBusinessDate);
    } else if (day.state !== 'CLOSED') {
      return {
        counts: {},
        problems: [
          {
            code: 'DAY_NOT_CLOSING',
            message: `${businessDate} is ${day.state.toLowerCase()}: its control totals did not pass`,
          },
        ],
      };
    }
    return { counts: { closed: 1 }, problems: [] };
  }
}
