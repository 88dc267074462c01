import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles, HandlesLong, type LongJob } from '#libs/messaging/index.js';
import { ExpectedFilesService } from './expected-files.service.js';
import { FileReadersService } from './file-readers.service.js';
import { FilesRepository } from './files.repository.js';

@Injectable()
export class ImportFileProcessor {
  constructor(
    private readonly repository: FilesRepository,
    private readonly readers: FileReadersService,
    private readonly expected: ExpectedFilesService,
  ) {}

  @HandlesLong('settlement.import-file.v1')
  async importFile({ fileId }: PayloadOf<'settlement.import-file.v1'>, job: LongJob): Promise<void> {
    const { file, content } = await job.step(async (tx) => {
      const found = await this.repository.find(tx, fileId);
      if (!found) throw new Error(`no file ${fileId}`);
      if (found.state === 'RECEIVED') await this.repository.setState(tx, fileId, 'IMPORTING', {}, []);
      return { file: found, content: await this.repository.content(tx, fileId) };
    });
    const reader = this.readers.of(file.kind);
    if (!reader) throw new Error(`no reader of ${file.kind} files`);
    const result = await reader.read({ ...file, book: file.bookId === '*' ? null : file.bookId }, content, job);
    await job.finish(async (tx) => {
      await this.repository.setState(
        tx,
        fileId,
        result.isRefused ? 'REFUSED' : 'IMPORTED',
        result.counts,
        result.problems,
      );
      if (!result.isRefused && result.expected) {
        await this.expected.arrived(tx, {
          kind: file.kind,
          qualifier: result.expected.qualifier,
          arrivalId: fileId,
          at: file.receivedAt,
          businessDate: file.businessDate,
        });
      }
    });
  }

  /** The list comes to compliance; that it came is what is waited for here. */
  @Handles('compliance.list-activated.v1')
  async listActivated(
    tx: Tx,
    { listVersionId, activatedAt }: PayloadOf<'compliance.list-activated.v1'>,
  ): Promise<void> {
    await this.expected.listCame(tx, { listVersionId, at: new Date(activatedAt) });
  }
}
