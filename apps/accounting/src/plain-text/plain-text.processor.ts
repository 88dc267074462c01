import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { HandlesLong, type LongJob } from '#libs/messaging/index.js';
import { JournalExports } from './journal-exports.service.js';

@Injectable()
export class PlainTextProcessor {
  constructor(private readonly exports: JournalExports) {}

  @HandlesLong('accounting.export-plain-text-journal.v1')
  async export({ fileId }: PayloadOf<'accounting.export-plain-text-journal.v1'>, job: LongJob): Promise<void> {
    await this.exports.make(job, fileId);
  }
}
