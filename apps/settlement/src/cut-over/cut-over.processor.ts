import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { chunk } from '#libs/kernel/index.js';
import { Handles, HandlesLong, type LongJob } from '#libs/messaging/index.js';
import { CutOverApplyService } from './cut-over-apply.service.js';
import { CutOverRepository } from './cut-over.repository.js';
import { CutOverService } from './cut-over.service.js';
import { oldReferences, ownKinds, validateCutOver } from './cut-over.js';

const rowsPerStep = 1_000;
const referencesPerStep = 5_000;

@Injectable()
export class CutOverProcessor {
  constructor(
    private readonly repository: CutOverRepository,
    private readonly service: CutOverService,
    private readonly own: CutOverApplyService,
  ) {}

  /** Validates the set as one, writes what settlement keeps, and sends the first of the rest; the answers carry it on. */
  @HandlesLong('settlement.run-cut-over.v1')
  async run({ importId }: PayloadOf<'settlement.run-cut-over.v1'>, job: LongJob): Promise<void> {
    const { record, set, problems, unread } = await job.step(async (tx) => {
      const found = await this.repository.find(tx, importId);
      if (!found) throw new Error(`no import ${importId}`);
      return { record: found, ...(await this.service.readSet(tx, importId)) };
    });
    // Delivered once more after it was decided on: nothing comes in a second time.
    if (record.state !== 'VALIDATING' && record.state !== 'APPLYING') {
      await job.finish(() => Promise.resolve());
      return;
    }
    const report = validateCutOver(set, record.controlTotals, unread);
    const all = [...problems, ...report.problems];
    const stored = { problems: all.slice(0, 1_000), rows: { ...report.rows }, migration: [...report.migration] };
    if (all.length > 0 || record.isDryRun) {
      await job.finish((tx) =>
        this.repository.setState(tx, importId, all.length > 0 ? 'REFUSED' : 'DRY_RUN_PASSED', {
          report: stored,
          books: report.books,
        }),
      );
      return;
    }

    const total = ownKinds.reduce((sum, kind) => sum + set[kind].length, 0);
    let done = 0;
    const counts: Record<string, number> = {};
    const applied = await job.step(async (tx) => {
      if (record.state === 'VALIDATING')
        await this.repository.setState(tx, importId, 'APPLYING', { report: stored, books: report.books });
      const chunks = await this.repository.chunks(tx, importId);
      return new Set(
        chunks.filter(({ consumer }) => consumer === 'settlement').map(({ kind, chunk: n }) => `${kind}|${n}`),
      );
    });
    for (const kind of ownKinds) {
      for (const [index, rows] of chunk(set[kind], rowsPerStep).entries()) {
        done += rows.length;
        counts[kind] = (counts[kind] ?? 0) + rows.length;
        if (applied.has(`${kind}|${index}`)) continue;
        await job.step(async (tx) => {
          await this.own.apply(tx, importId, kind, rows, set, record.startedBy);
          await this.repository.insertChunks(
            tx,
            importId,
            [{ consumer: 'settlement', kind, chunk: index, rowCount: rows.length }],
            true,
          );
          job.progress(done, total, counts);
        });
      }
    }
    for (const references of chunk(oldReferences(set), referencesPerStep))
      await job.step((tx) => this.repository.saveReferences(tx, importId, references));
    await job.finish(async (tx) => {
      await this.service.registerAssets(tx, set);
      await this.service.advance(tx, importId);
    });
  }

  @Handles('accounting.cut-over-applied.v1')
  async accountingApplied(tx: Tx, payload: PayloadOf<'accounting.cut-over-applied.v1'>): Promise<void> {
    await this.service.chunkApplied(tx, 'accounting', payload);
  }

  @Handles('compliance.cut-over-applied.v1')
  async complianceApplied(tx: Tx, payload: PayloadOf<'compliance.cut-over-applied.v1'>): Promise<void> {
    await this.service.chunkApplied(tx, 'compliance', payload);
  }

  @Handles('accounting.cut-over-rolled-back.v1')
  async accountingRolledBack(tx: Tx, { importId }: PayloadOf<'accounting.cut-over-rolled-back.v1'>): Promise<void> {
    await this.service.rolledBack(tx, 'accounting', importId);
  }

  @Handles('compliance.cut-over-rolled-back.v1')
  async complianceRolledBack(tx: Tx, { importId }: PayloadOf<'compliance.cut-over-rolled-back.v1'>): Promise<void> {
    await this.service.rolledBack(tx, 'compliance', importId);
  }
}
