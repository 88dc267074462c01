import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { newId, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { type JournalOfFile, type LineFault, readJournalFile } from './journal-file.js';
import { type JournalImportRow, ManualJournalsRepository } from './manual-journals.repository.js';
import { ManualJournals } from './manual-journals.service.js';

/** Lines up to which a file is booked while its sender waits. */
const linesAtOnce = 500;
const faultsMax = 1_000;

/** A file of journals is booked whole or not at all; what is wrong is told line by line. */
@Injectable()
export class JournalFiles {
  constructor(
    private readonly repository: ManualJournalsRepository,
    private readonly journals: ManualJournals,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  find(tx: Tx, importId: string): Promise<JournalImportRow | undefined> {
    return this.repository.import(tx, importId);
  }

  async begin(
    tx: Tx,
    asked: { book: string; fileName: string; content: string },
    by: string,
  ): Promise<{ import?: JournalImportRow; problems: Problem[] }> {
    const importId = newId('jim');
    const contentHash = sha256Hex(asked.content);
    if (!(await this.repository.beginImport(tx, { ...asked, importId, contentHash }, by)))
      return {
        problems: [problem('DUPLICATE_FILE', 'This very file was booked before, or is being booked', ['content'])],
      };
    if (asked.content.split('\n').length <= linesAtOnce) await this.work(tx, importId);
    else {
      const { jobRunId } = await this.outbox.add(
        tx,
        'accounting.import-journals.v1',
        { importId, book: asked.book },
        { businessKey: `${asked.book} ${asked.fileName}`.slice(0, 140) },
      );
      await this.repository.importRuns(tx, importId, jobRunId ?? null);
    }
    return { import: await this.repository.import(tx, importId), problems: [] };
  }

  /** The whole file in one transaction. Done before, it stays as it is. */
  async work(tx: Tx, importId: string): Promise<JournalImportRow> {
    const asked = await this.repository.import(tx, importId);
    if (!asked) throw new Error(`there is no import ${importId}`);
    if (asked.state !== 'RUNNING') return asked;
    const read = readJournalFile(asked.book, await this.repository.contentOf(tx, importId));
    const faults = read.faults.length > 0 ? read.faults : await this.book(tx, asked, read.journals);
    await this.repository.endImport(tx, importId, {
      state: faults.length > 0 ? 'REFUSED' : 'DONE',
      lines: read.lines,
      journals: read.journals.length,
      report: faults.slice(0, faultsMax),
    });
    await this.audit.append(tx, {
      action: faults.length > 0 ? 'JOURNAL_IMPORT_REFUSED' : 'JOURNALS_IMPORTED',
      objectKind: 'JOURNAL_IMPORT',
      objectId: importId,
      bookId: asked.book,
      principal: asked.requestedBy,
      after: { contentHash: asked.contentHash, journals: read.journals.length, faults: faults.length },
    });
    return (await this.repository.import(tx, importId)) ?? asked;
  }

  private async book(
    tx: Tx,
    { book, importId, requestedBy }: JournalImportRow,
    journals: readonly JournalOfFile[],
  ): Promise<LineFault[]> {
    // What only the ledger refuses takes back what was booked beside it.
    await tx.execute('SAVEPOINT import');
    const { problems } = await this.journals.submitAll(
      tx,
      book,
      journals.map(({ journal }) => journal),
      requestedBy,
      importId,
    );
    const refused = problems.flatMap(({ at, fault }) => {
      const one = journals[at];
      return one ? [faultOf(one, fault)] : [];
    });
    await tx.execute(refused.length > 0 ? 'ROLLBACK TO SAVEPOINT import' : 'RELEASE SAVEPOINT import');
    return refused;
  }
}

/** Where in the file a fault of a journal stands: its line, or the first line of the journal. */
function faultOf({ lines }: JournalOfFile, { code, message, path }: Problem): LineFault {
  const [part, n, field] = path;
  if (part !== 'lines') return { line: lines[0] ?? 1, column: typeof part === 'string' ? part : null, code, message };
  const line = typeof n === 'number' ? lines[n] : lines[0];
  return { line: line ?? 1, column: typeof field === 'string' && field !== 'dimensions' ? field : null, code, message };
}
