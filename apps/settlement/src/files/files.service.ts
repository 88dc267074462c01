import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { idFrom, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { BookDaysService } from '../calendars/book-days.service.js';
import { fileSizeMaxBytes, isFileKind } from './file.js';
import { FileReadersService } from './file-readers.service.js';
import { FilesRepository, type FileRow } from './files.repository.js';

export interface ReceivedFile {
  readonly file: FileRow | null;
  readonly isAlreadyReceived: boolean;
  readonly problems: readonly Problem[];
}

@Injectable()
export class FilesService {
  constructor(
    private readonly repository: FilesRepository,
    private readonly readers: FileReadersService,
    private readonly bookDays: BookDaysService,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  /** The bytes are stored before the answer; reading them is a job of its own. */
  async receive(
    tx: Tx,
    given: { kind: string; name: string; book?: string | null | undefined; content: string },
    receivedBy: string,
    books: readonly string[] | 'all' = 'all',
  ): Promise<ReceivedFile> {
    const problems: Problem[] = [];
    const content = Buffer.from(given.content, 'utf8');
    if (!isFileKind(given.kind) || !this.readers.of(given.kind))
      problems.push(problem('UNKNOWN_FILE_KIND', `no files of kind ${given.kind} are read here`, ['kind']));
    if (!/^[\w .()+-]{1,120}$/.test(given.name))
      problems.push(problem('INVALID_NAME', 'name has 1 to 120 letters, digits, spaces or . _ - ( ) +', ['name']));
    if (typeof given.book === 'string' && !/^[A-Z0-9]{2,12}$/.test(given.book))
      problems.push(problem('INVALID_BOOK', 'book has 2 to 12 capitals or digits', ['book']));
    if (typeof given.book === 'string' && books !== 'all' && !books.includes(given.book))
      problems.push(problem('BOOK_NOT_ALLOWED', `book ${given.book} is not yours`, ['book']));
    if (content.length === 0) problems.push(problem('EMPTY_FILE', 'the file is empty', ['content']));
    if (content.length > fileSizeMaxBytes)
      problems.push(problem('FILE_TOO_LARGE', `a file has at most ${fileSizeMaxBytes} bytes`, ['content']));
    if (problems.length > 0 || !isFileKind(given.kind)) return { file: null, isAlreadyReceived: false, problems };

    const sha256 = sha256Hex(content);
    const fileId = idFrom('fil', given.kind, sha256, given.name);
    const bookId = given.book ?? '*';
    const businessDate =
      bookId === '*' ? await this.bookDays.institutionDate(tx) : await this.bookDays.intakeDate(tx, bookId);
    const isNew = await this.repository.insert(tx, {
      fileId,
      kind: given.kind,
      name: given.name,
      bookId,
      sha256,
      content,
      businessDate,
      receivedBy,
      books: books === 'all' ? null : books,
    });
    if (isNew) {
      const added = await this.outbox.add(
        tx,
        'settlement.import-file.v1',
        { fileId, ...(bookId === '*' ? {} : { book: bookId }) },
        { businessKey: given.name, requestedBy: receivedBy },
      );
      await this.repository.setJobRun(tx, fileId, added.jobRunId ?? null);
      await this.audit.append(tx, {
        action: 'file.received',
        objectKind: 'FILE',
        objectId: fileId,
        principal: receivedBy,
        after: { kind: given.kind, name: given.name, sha256 },
      });
    }
    return { file: await this.repository.find(tx, fileId), isAlreadyReceived: !isNew, problems: [] };
  }
}
