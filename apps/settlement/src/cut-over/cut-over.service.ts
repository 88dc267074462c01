import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type CutOverKind, cutOverKinds, itemsPerCommandMax, type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { chunk, newId, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { type MessageToAdd, Outbox, sealText } from '#libs/messaging/index.js';
import { currencyExponent } from '#libs/money/index.js';
import { readCsv } from '../files/file.js';
import { cutOverColumns } from './columns.js';
import { CutOverApplyService } from './cut-over-apply.service.js';
import { type CutOverRecord, CutOverRepository } from './cut-over.repository.js';
import { type ControlTotals, type CutOverRow, type CutOverSet, nextToSend, sentKinds } from './cut-over.js';

export interface CutOverAnswer {
  readonly cutOver: CutOverRecord | null;
  readonly problems: readonly Problem[];
}

const isKind = (text: string): text is CutOverKind => (cutOverKinds as readonly string[]).includes(text);

@Injectable()
export class CutOverService {
  constructor(
    private readonly repository: CutOverRepository,
    private readonly own: CutOverApplyService,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  /** Stores the files, sealed, and leaves the rest to a job. */
  async start(
    tx: Tx,
    given: {
      name: string;
      isDryRun: boolean;
      files: readonly { kind: string; content: string }[];
      controlTotals: unknown;
    },
    by: string,
  ): Promise<CutOverAnswer> {
    const problems: Problem[] = [];
    const seen = new Set<string>();
    for (const [index, { kind }] of given.files.entries()) {
      if (!isKind(kind))
        problems.push(problem('UNKNOWN_FILE_KIND', `${kind} is no kind of the cut-over`, ['files', index, 'kind']));
      else if (seen.has(kind))
        problems.push(problem('DUPLICATE_FILE', `${kind} comes twice`, ['files', index, 'kind']));
      seen.add(kind);
    }
    if (controlTotalsOf(given.controlTotals) === null) {
      problems.push(
        problem(
          'INVALID_CONTROL_TOTALS',
          'control totals are { files: { kind: { rows } }, totals: { kind: { asset: decimal } } }',
          ['controlTotals'],
        ),
      );
    }
    const before = given.isDryRun ? null : await this.repository.inForce(tx);
    if (before)
      problems.push(
        problem('CUT_OVER_IN_FORCE', `${before.name} is ${before.state}: it is rolled back first`, ['name']),
      );
    if (problems.length > 0) return { cutOver: null, problems };

    const importId = newId('imp');
    await this.repository.insert(tx, {
      importId,
      name: given.name,
      isDryRun: given.isDryRun,
      controlTotals: given.controlTotals,
      startedBy: by,
    });
    await this.repository.insertFiles(
      tx,
      importId,
      given.files.map((file) => ({ ...file, sha256: sha256Hex(file.content) })),
    );
    const added = await this.outbox.add(
      tx,
      'settlement.run-cut-over.v1',
      { importId },
      { businessKey: given.name, requestedBy: by },
    );
    await this.repository.setJobRun(tx, importId, added.jobRunId ?? null);
    await this.audit.append(tx, {
      action: 'cut-over.started',
      objectKind: 'CUT_OVER',
      objectId: importId,
      principal: by,
      after: { name: given.name, isDryRun: given.isDryRun, kinds: [...seen] },
    });
    return { cutOver: await this.repository.find(tx, importId), problems: [] };
  }

  /** All files of an import, read; problems when one is no CSV at all. */
  async readSet(
    tx: Tx,
    importId: string,
  ): Promise<{ set: CutOverSet; problems: readonly Problem[]; unread: ReadonlySet<CutOverKind> }> {
    const problems: Problem[] = [];
    const unread = new Set<CutOverKind>();
    const set = Object.fromEntries(
      cutOverKinds.map((kind): [CutOverKind, CutOverRow[]] => [kind, []]),
    ) as unknown as Record<CutOverKind, CutOverRow[]>;
    for (const { kind, content } of await this.repository.files(tx, importId)) {
      const read = readCsv(Buffer.from(content, 'utf8'), Object.keys(cutOverColumns[kind]));
      if (read.lines) {
        set[kind] = [...read.lines];
      } else {
        unread.add(kind);
        problems.push(...read.problems.map((one) => ({ ...one, path: [kind, ...one.path.slice(1)] })));
      }
    }
    return { set, problems, unread };
  }

  /** Sends the next kind once everything before it is applied; when all is, two people may sign. */
  async advance(tx: Tx, importId: string): Promise<void> {
    const record = await this.repository.lock(tx, importId);
    if (record?.state !== 'APPLYING') return;
    const chunks = (await this.repository.chunks(tx, importId)).filter(({ consumer }) => consumer !== 'settlement');
    if (chunks.some(({ appliedAt }) => appliedAt === null)) return;
    const refused = chunks.flatMap((one) =>
      one.refused.map(({ row, code, message }) =>
        problem(code, message, [one.kind, one.chunk * itemsPerCommandMax + row + 2]),
      ),
    );
    if (refused.length > 0) {
      await this.repository.setState(tx, importId, 'FAILED', { report: { ...record.report, problems: refused } });
      return;
    }
    const rows = record.report.rows ?? {};
    const next = nextToSend(rows, new Set(chunks.map(({ kind }) => kind)));
    if (next === null) {
      await this.repository.setState(tx, importId, 'AWAITING_SIGNATURES');
      return;
    }
    await this.send(tx, importId, next);
  }

  private async send(
    tx: Tx,
    importId: string,
    { kind, consumer, isPersonal }: (typeof sentKinds)[number],
  ): Promise<void> {
    const [file] = await this.repository.files(tx, importId, kind);
    const read = readCsv(Buffer.from(file?.content ?? '', 'utf8'), Object.keys(cutOverColumns[kind]));
    const parts = chunk(read.lines ?? [], itemsPerCommandMax);
    await this.repository.insertChunks(
      tx,
      importId,
      parts.map((part, index) => ({ consumer, kind, chunk: index, rowCount: part.length })),
      false,
    );
    await this.outbox.addAll(
      tx,
      parts.map((part, index): MessageToAdd => {
        const rows = part.map(({ cells }) => ({ ...cells }));
        return {
          name: `${consumer}.apply-cut-over.v1`,
          payload: {
            importId,
            kind,
            chunk: index,
            ...(isPersonal ? { sealedRows: sealText(JSON.stringify(rows)) } : { rows }),
          },
          businessKey: `${importId} ${kind} ${index}`,
        };
      }),
    );
  }

  /** Accounting must know an asset before anything is booked in it. */
  async registerAssets(tx: Tx, set: CutOverSet): Promise<void> {
    const currencies = [
      ...new Set(
        [...set.nostros, ...set.accounts, ...set.instruments].flatMap(({ cells }) =>
          cells.currency ? [cells.currency] : [],
        ),
      ),
    ].sort();
    const items = [
      ...currencies.map((asset) => ({ asset, kind: 'CURRENCY' as const, scale: currencyExponent(asset), name: asset })),
      ...set.instruments.map(({ cells }) => ({
        asset: cells.isin ?? '',
        kind: 'INSTRUMENT' as const,
        scale: Number(cells.quantityScale),
        name: cells.name ?? '',
        ...(cells.currency ? { currency: cells.currency } : {}),
        ...(cells.priceFactor ? { priceFactor: cells.priceFactor } : {}),
      })),
    ];
    await this.outbox.addAll(
      tx,
      chunk(items, itemsPerCommandMax).map((part) => ({
        name: 'accounting.register-assets.v1' as const,
        payload: { items: part },
      })),
    );
  }

  async chunkApplied(
    tx: Tx,
    consumer: 'accounting' | 'compliance',
    payload: PayloadOf<'accounting.cut-over-applied.v1'>,
  ): Promise<void> {
    await this.repository.chunkApplied(tx, payload.importId, consumer, payload.kind, payload.chunk, payload.refused);
    await this.advance(tx, payload.importId);
  }

  /** The second of two people makes it final; the database refuses a second signature by the first. */
  async sign(tx: Tx, importId: string, by: string): Promise<CutOverAnswer> {
    const record = await this.repository.lock(tx, importId);
    if (!record) return refuse('CUT_OVER_NOT_FOUND', 'there is no such import');
    if (record.state !== 'AWAITING_SIGNATURES')
      return refuse('CUT_OVER_NOT_READY', `the import is ${record.state}`, record.state === 'APPLYING');
    const signatures = await this.repository.signatures(tx, importId);
    if (signatures.some(({ signedBy }) => signedBy === by))
      return refuse('SECOND_PERSON_NEEDED', 'the second signature is another person’s');
    await this.repository.sign(tx, importId, signatures.length + 1, by);
    await this.audit.append(tx, {
      action: 'cut-over.signed',
      objectKind: 'CUT_OVER',
      objectId: importId,
      principal: by,
      after: { signature: signatures.length + 1 },
    });
    if (signatures.length === 1) {
      await this.repository.setState(tx, importId, 'SIGNED');
      await this.repository.forgetFiles(tx, importId);
      await this.outbox.add(tx, 'settlement.cut-over-signed.v1', {
        importId,
        books: record.books,
        signedBy: [signatures[0]?.signedBy ?? '', by],
      });
    }
    return { cutOver: await this.repository.find(tx, importId), problems: [] };
  }

  /** Undoes an import that nobody has finally signed: everywhere, or not at all. */
  async rollBack(tx: Tx, importId: string, reason: string, by: string): Promise<CutOverAnswer> {
    const record = await this.repository.lock(tx, importId);
    if (!record) return refuse('CUT_OVER_NOT_FOUND', 'there is no such import');
    if (record.state !== 'AWAITING_SIGNATURES' && record.state !== 'FAILED') {
      return refuse('CUT_OVER_NOT_OPEN', `the import is ${record.state}`, record.state === 'APPLYING');
    }
    await this.repository.setState(tx, importId, 'ROLLING_BACK');
    await this.own.remove(tx, importId);
    const consumers = [...new Set((await this.repository.chunks(tx, importId)).map(({ consumer }) => consumer))].filter(
      (one) => one !== 'settlement',
    );
    await this.repository.startRollback(tx, importId, consumers);
    for (const consumer of consumers as ('accounting' | 'compliance')[])
      await this.outbox.add(tx, `${consumer}.roll-back-cut-over.v1`, { importId });
    if (consumers.length === 0) await this.repository.setState(tx, importId, 'ROLLED_BACK');
    await this.audit.append(tx, {
      action: 'cut-over.rolled-back',
      objectKind: 'CUT_OVER',
      objectId: importId,
      principal: by,
      reason,
    });
    return { cutOver: await this.repository.find(tx, importId), problems: [] };
  }

  async rolledBack(tx: Tx, consumer: 'accounting' | 'compliance', importId: string): Promise<void> {
    const record = await this.repository.lock(tx, importId);
    if (record?.state !== 'ROLLING_BACK') return;
    if (await this.repository.rolledBack(tx, importId, consumer))
      await this.repository.setState(tx, importId, 'ROLLED_BACK');
  }
}

const refuse = (code: string, message: string, retryable = false): CutOverAnswer => ({
  cutOver: null,
  problems: [problem(code, message, ['importId'], retryable)],
});

/** The control totals as they were given; null when they have another shape. */
export function controlTotalsOf(value: unknown): ControlTotals | null {
  if (typeof value !== 'object' || value === null) return null;
  const { files, totals } = value as { files?: unknown; totals?: unknown };
  if (typeof files !== 'object' || files === null) return null;
  const rowsAreGood = Object.values(files).every(
    (one) => typeof one === 'object' && one !== null && Number.isInteger((one as { rows?: unknown }).rows),
  );
  const sums = totals ?? {};
  const sumsAreGood =
    typeof sums === 'object' &&
    Object.values(sums).every(
      (one) =>
        typeof one === 'object' &&
        one !== null &&
        Object.values(one as object).every((text) => typeof text === 'string'),
    );
  return rowsAreGood && sumsAreGood
    ? { files: files as ControlTotals['files'], totals: sums as ControlTotals['totals'] }
    : null;
}
