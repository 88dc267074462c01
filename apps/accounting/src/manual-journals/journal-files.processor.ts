import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { HandlesLong, type LongJob } from '#libs/messaging/index.js';
import { JournalFiles } from './journal-files.service.js';

@Injectable()
export class JournalFilesProcessor {
  constructor(private readonly imports: JournalFiles) {}

  @HandlesLong('accounting.import-journals.v1')
  async run({ importId }: PayloadOf<'accounting.import-journals.v1'>, job: LongJob): Promise<void> {
    await job.finish(async (tx) => {
      const { journals, report } = await this.imports.work(tx, importId);
      job.progress(journals, journals, { faults: report.length });
    });
  }
}
