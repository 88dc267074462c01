import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { HandlesLong, type LongJob } from '#libs/messaging/index.js';
import { Lists } from './lists.service.js';

@Injectable()
export class ListsProcessor {
  constructor(private readonly lists: Lists) {}

  @HandlesLong('compliance.activate-list.v1')
  async activate({ listVersionId }: PayloadOf<'compliance.activate-list.v1'>, job: LongJob): Promise<void> {
    await this.lists.activate(listVersionId, job);
  }
}
