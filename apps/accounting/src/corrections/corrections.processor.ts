import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { HandlesLong, type LongJob } from '#libs/messaging/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { renderCsv, type Row, type Table } from '#libs/tabular/index.js';
import { ReportFiles } from '../report-files/report-files.service.js';
import { type CorrectionRow, CorrectionsRepository } from './corrections.repository.js';
import { Corrections, previewBegins, type PreviewPlace } from './corrections.service.js';

@Injectable()
export class CorrectionsProcessor {
  constructor(
    private readonly corrections: Corrections,
    private readonly repository: CorrectionsRepository,
    private readonly files: ReportFiles,
  ) {}

  /** Goes on behind the last line that was kept; the file is made when all of them are. */
  @HandlesLong('accounting.preview-correction.v1')
  async preview({ correctionId }: PayloadOf<'accounting.preview-correction.v1'>, job: LongJob): Promise<void> {
    const { correction, total } = await job.step((tx) => this.corrections.begin(tx, correctionId));
    if (correction.state === 'REFUSED') return;
    let place = (job.saved ?? { ...previewBegins }) as unknown as PreviewPlace;
    while (correction.state === 'PREVIEWING') {
      const next = await job.step(async (tx) => {
        const reached = await this.corrections.previewStep(tx, correctionId, place);
        if (reached) {
          job.checkpoint({ ...reached });
          job.progress(reached.done, total);
        } else await this.corrections.previewed(tx, correctionId);
        return reached;
      });
      if (next === null) break;
      place = next;
    }
    if (correction.previewFileId === null) return;
    const rows = await job.step((tx) => this.rows(tx, correctionId));
    await this.files.write(job, correction.previewFileId, renderCsv(tableOf(correction), rows));
  }

  /** Each step books some lines and keeps their results: whatever stops it, the next one goes on with the lines that wait. */
  @HandlesLong('accounting.run-correction.v1')
  async run({ correctionId }: PayloadOf<'accounting.run-correction.v1'>, job: LongJob): Promise<void> {
    for (;;) {
      const reached = await job.step(async (tx) => {
        const counted = await this.corrections.runStep(tx, correctionId);
        if (counted) {
          const { total, done, refused } = counted;
          job.progress(done + refused, total, { done, refused });
        }
        return counted;
      });
      if (reached === null) break;
    }
    await job.finish((tx) => this.corrections.finish(tx, correctionId));
  }

  private async rows(tx: Tx, correctionId: string): Promise<Row[]> {
    const totals = new Map<string, { scale: number; reversal: bigint; rebooking: bigint }>();
    const rows: Row[] = [];
    for (const { account, asset, scale, before, reversal, rebooking } of await this.repository.effects(
      tx,
      correctionId,
    )) {
      const [was, back, anew] = [BigInt(before), BigInt(reversal), BigInt(rebooking)];
      const text = (units: bigint) => formatDecimal(units, scale);
      rows.push({ cells: [account, asset, text(was), text(back), text(anew), text(was + back + anew)] });
      const total = totals.get(asset) ?? { scale, reversal: 0n, rebooking: 0n };
      totals.set(asset, { scale, reversal: total.reversal + back, rebooking: total.rebooking + anew });
    }
    for (const [asset, { scale, reversal, rebooking }] of totals)
      rows.push({
        kind: 'total',
        cells: ['Total', asset, null, formatDecimal(reversal, scale), formatDecimal(rebooking, scale), null],
      });
    return rows;
  }
}

const tableOf = ({ correctionId, book, reason, requestedAt }: CorrectionRow): Table => ({
  title: `Correction ${correctionId}`,
  subtitles: [reason, 'Debits less credits'],
  book,
  date: requestedAt.toISOString().slice(0, 10),
  columns: [
    { title: 'Account', kind: 'text' },
    { title: 'Asset', kind: 'text' },
    ...['Before', 'Reversal', 'Rebooking', 'After'].map((title) => ({ title, kind: 'decimal' as const })),
  ],
  createdAt: requestedAt,
});
