import { Injectable } from '@nestjs/common';
import { type PhaseRun } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { newId } from '#libs/kernel/index.js';
import { HandlesLong, type LongJob, Outbox } from '#libs/messaging/index.js';
import { ExchangeReaderService } from '../exchange/exchange-reader.service.js';
import { ExchangeWriterService } from '../exchange/exchange-writer.service.js';
import { ExpectedFilesService } from '../files/expected-files.service.js';
import { InstructionsService } from '../instructions/instructions.service.js';
import { InternalSettlementService } from '../internal-settlement/internal-settlement.service.js';
import { LedgerService } from '../ledger/ledger.service.js';
import { AgentPaymentsService } from '../payments/agent-payments.service.js';
import { PaymentsService } from '../payments/payments.service.js';
import { TradesService } from '../trades/trades.service.js';

const pageSize = 500;
type Counts = Record<string, number>;

/**
 * The phases of the day that settlement works. Each goes in pages, keeps where it is, and can be run
 * again without harm: what was done is found done.
 */
@Injectable()
export class DayProcessor {
  constructor(
    private readonly outbox: Outbox,
    private readonly trades: TradesService,
    private readonly payments: PaymentsService,
    private readonly agentPayments: AgentPaymentsService,
    private readonly instructions: InstructionsService,
    private readonly internal: InternalSettlementService,
    private readonly ledger: LedgerService,
    private readonly expectedFiles: ExpectedFilesService,
    private readonly writer: ExchangeWriterService,
    private readonly reader: ExchangeReaderService,
  ) {}

  @HandlesLong('settlement.run-phase.v1')
  async runPhase(run: PhaseRun, job: LongJob): Promise<void> {
    await job.step((tx) => this.begin(tx, run));
    const counts = await this.work(run, job);
    await job.finish(async (tx) => {
      await tx.execute(
        `UPDATE settlement.day_phase SET counts = $2::jsonb, finished_at = kernel.now() WHERE phase_run_id = $1`,
        [run.phaseRunId, JSON.stringify(counts)],
      );
      await this.outbox.add(tx, 'settlement.phase-completed.v1', { ...run, counts, problems: [] });
    });
  }

  /** Which list was in force, and up to where every answer of screening had come in, when the phase began. */
  private async begin(tx: Tx, run: PhaseRun): Promise<void> {
    await tx.execute(
      `INSERT INTO settlement.day_phase (phase_run_id, book_id, business_date, phase, cycle, barrier_sequence, list_version_id, screening_watermark, history_watermark)
       VALUES ($1, $2, $3, $4, $5, $6,
         (SELECT arrival_id FROM settlement.expected_file WHERE kind = 'SANCTIONS_LIST' AND arrival_id IS NOT NULL ORDER BY arrived_at DESC, business_date DESC LIMIT 1),
         $7, (SELECT coalesce(max(sequence), 0) FROM settlement.instruction_status_history))
       ON CONFLICT (phase_run_id) DO NOTHING`,
      [
        run.phaseRunId,
        run.book,
        run.businessDate,
        run.phase,
        run.cycle,
        run.barrierSequence,
        await this.outbox.sealedSequence(tx),
      ],
    );
  }

  private async work(run: PhaseRun, job: LongJob): Promise<Counts> {
    switch (run.phase) {
      case 'START_OF_DAY':
        return this.startOfDay(run, job);
      case 'GATE':
        return this.gate(run, job);
      case 'AFFIRM':
        return job.step(async (tx) => ({ ...(await this.trades.affirm(tx, run.book)) }));
      case 'INSTRUCT':
        return this.instruct(run, job);
      case 'SETTLE':
        return this.settle(run, job);
      case 'CUT_OFF':
        return this.cutOff(run, job);
      case 'FAIL_SNAPSHOT':
        return this.failSnapshot(run, job);
      default:
        throw new Error(`${run.phase} is not a phase of settlement`);
    }
  }

  private async startOfDay(run: PhaseRun, job: LongJob): Promise<Counts> {
    const received = await job.step((tx) => this.trades.processReceived(tx, run.book, run.businessDate));
    const facts = await this.pages(job, (tx) => this.ledger.postWaiting(tx, run.book, pageSize));
    const payments = await this.pages(job, (tx) => this.payments.bookReady(tx, run.book, run.businessDate, pageSize));
    const due = await job.step((tx) => this.instructions.countDue(tx, run.book, run.businessDate));
    return {
      due,
      tradesStarted: received,
      paymentsStarted: payments,
      ...(facts > 0 ? { factsOfEarlierDates: facts } : {}),
    };
  }

  private async gate(run: PhaseRun, job: LongJob): Promise<Counts> {
    const submitted = await this.pages(job, async (tx) => {
      const items = await this.trades.toScreen(tx, run.book, pageSize);
      if (items.length > 0) await this.outbox.add(tx, 'compliance.screen-objects.v1', { batchId: newId('scb'), items });
      return items.length;
    });
    return { submitted };
  }

  private async instruct(run: PhaseRun, job: LongJob): Promise<Counts> {
    const counts = { instructed: 0, sent: 0, held: 0 };
    let after: string | null = null;
    for (;;) {
      const page: Awaited<ReturnType<InstructionsService['instruct']>> = await job.step((tx) =>
        this.instructions.instruct(tx, run.book, run.businessDate, after, pageSize),
      );
      counts.instructed += page.instructed;
      counts.sent += page.sent;
      counts.held += page.held;
      job.progress(counts.instructed, undefined, counts);
      if (page.lastTradeId === null) break;
      after = page.lastTradeId;
    }
    // The phase ends with the files in the folders: who waits for it may count on them.
    await this.writer.flush(job.signal);
    return counts;
  }

  private async settle(run: PhaseRun, job: LongJob): Promise<Counts> {
    const filesRead = await this.reader.drain(job.signal);
    await this.pages(job, (tx) => this.ledger.postWaiting(tx, run.book, pageSize));
    const payments = await this.pages(job, (tx) => this.payments.bookReady(tx, run.book, run.businessDate, pageSize));
    let attempted = 0;
    let after: string | null = null;
    for (;;) {
      const page: Awaited<ReturnType<InternalSettlementService['attempt']>> = await job.step((tx) =>
        this.internal.attempt(
          tx,
          { cycleId: run.phaseRunId, book: run.book, businessDate: run.businessDate },
          after,
          pageSize,
        ),
      );
      attempted += page.attempted;
      if (page.lastId === null) break;
      after = page.lastId;
    }
    const sent = await this.pages(job, (tx) => this.agentPayments.sendBooked(tx, pageSize));
    await this.writer.flush(job.signal);
    return { attempted, filesRead, payments, paymentsSent: sent };
  }

  private async cutOff(run: PhaseRun, job: LongJob): Promise<Counts> {
    await this.reader.drain(job.signal);
    await job.step((tx) => this.trades.closeIntake(tx, run.book, run.businessDate));
    const unconfirmed = await job.step((tx) => this.trades.endOfDay(tx, run.book, run.businessDate));
    const lateFiles = await job.step((tx) => this.expectedFiles.checkExpectedFiles(tx, run.book));
    return { unconfirmed, lateFiles: typeof lateFiles === 'number' ? lateFiles : 0 };
  }

  private async failSnapshot(run: PhaseRun, job: LongJob): Promise<Counts> {
    await this.reader.drain(job.signal);
    const counts: Counts = {};
    let after: string | null = null;
    for (;;) {
      const page: Awaited<ReturnType<InstructionsService['failSnapshot']>> = await job.step((tx) =>
        this.instructions.failSnapshot(tx, run.book, run.businessDate, after, pageSize),
      );
      for (const [kind, n] of Object.entries(page.counts)) counts[kind] = (counts[kind] ?? 0) + n;
      if (page.lastId === null) return counts;
      after = page.lastId;
    }
  }

  /** Pages until one is empty. */
  private async pages(job: LongJob, page: (tx: Tx) => Promise<number>): Promise<number> {
    let total = 0;
    for (;;) {
      const n = await job.step(page);
      if (n === 0) return total;
      total += n;
      job.progress(total);
    }
  }
}
