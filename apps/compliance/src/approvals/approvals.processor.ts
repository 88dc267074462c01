import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles, Schedules } from '#libs/messaging/index.js';
import { Approvals } from './approvals.service.js';

@Injectable()
export class ApprovalsProcessor {
  constructor(
    private readonly approvals: Approvals,
    schedules: Schedules,
  ) {
    schedules.declare({
      name: 'expire-approvals',
      everySeconds: 60,
      message: { name: 'compliance.expire-approvals.v1', payload: {} },
      catchUp: 'last',
    });
  }

  @Handles('compliance.request-approval.v1')
  async requested(tx: Tx, request: PayloadOf<'compliance.request-approval.v1'>): Promise<void> {
    await this.approvals.request(tx, request);
  }

  @Handles('compliance.change-approval-payload.v1')
  async changed(tx: Tx, change: PayloadOf<'compliance.change-approval-payload.v1'>): Promise<void> {
    await this.approvals.changePayload(tx, change);
  }

  @Handles('compliance.expire-approvals.v1')
  async expire(tx: Tx): Promise<void> {
    await this.approvals.expire(tx);
  }
}
