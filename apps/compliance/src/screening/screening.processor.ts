import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles, Outbox, unsealText } from '#libs/messaging/index.js';
import { Alerts } from '../alerts/alerts.service.js';
import { Screening } from './screening.service.js';

@Injectable()
export class ScreeningProcessor {
  constructor(
    private readonly screening: Screening,
    private readonly alerts: Alerts,
    private readonly outbox: Outbox,
  ) {}

  @Handles('compliance.screen-objects.v1')
  async screenObjects(tx: Tx, { batchId, items }: PayloadOf<'compliance.screen-objects.v1'>): Promise<void> {
    const screened = await this.screening.screenObjects(
      tx,
      items.map(({ objectKind, objectId, reference, book, names }) => ({
        objectKind,
        objectId,
        reference,
        book,
        names: names.map(({ role, partyId, sealedName }) => ({
          role,
          partyId,
          name: sealedName === undefined ? undefined : unsealText(sealedName),
        })),
      })),
      batchId,
    );
    const alerts = await this.alerts.openForObjects(tx, screened);
    await this.outbox.add(tx, 'compliance.screening-completed.v1', {
      batchId,
      items: screened.map(({ object, outcome, screeningId, listVersionId }) => ({
        objectKind: object.objectKind as Exclude<typeof object.objectKind, 'PARTY'>,
        objectId: object.objectId,
        outcome,
        screeningId,
        listVersionId,
        ...(outcome === 'HIT' ? { alertId: alerts.get(`${object.objectKind}/${object.objectId}`) } : {}),
      })),
    });
  }
}
