import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { HandlesLong, type LongJob } from '#libs/messaging/index.js';
import { IssuedReports } from './issued-reports.service.js';

@Injectable()
export class IssuedReportsProcessor {
  constructor(private readonly reports: IssuedReports) {}

  /** A job that is interrupted makes the file anew: with what is pinned it comes to the same bytes. */
  @HandlesLong('accounting.make-report.v1')
  make({ reportFileId }: PayloadOf<'accounting.make-report.v1'>, job: LongJob): Promise<void> {
    return this.reports.make(job, reportFileId);
  }
}
