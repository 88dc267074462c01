import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { isRefused } from '#libs/kernel/index.js';
import { Outbox, unsealText } from '#libs/messaging/index.js';
import { Alerts } from '../alerts/alerts.service.js';
import { Screening } from '../screening/screening.service.js';
import { readParty } from './parties.js';
import { PartiesRepository, type Party } from './parties.repository.js';

type Refusal = PayloadOf<'compliance.cut-over-applied.v1'>['refused'][number];

@Injectable()
export class Parties {
  constructor(
    private readonly repository: PartiesRepository,
    private readonly screening: Screening,
    private readonly alerts: Alerts,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  /** A chunk of the file of parties. Applying it again changes nothing; every new or changed party is screened. */
  async applyCutOver(tx: Tx, chunk: PayloadOf<'compliance.apply-cut-over.v1'>): Promise<void> {
    const { importId, kind } = chunk;
    const answer = (applied: number, refused: Refusal[]) =>
      this.outbox.add(tx, 'compliance.cut-over-applied.v1', { importId, kind, chunk: chunk.chunk, applied, refused });
    const rows =
      chunk.sealedRows === undefined
        ? (chunk.rows ?? [])
        : (JSON.parse(unsealText(chunk.sealedRows)) as Record<string, string>[]);
    const refuseAll = (code: string, message: string) =>
      answer(
        0,
        rows.map((_, row) => ({ row, code, message })),
      );
    if (kind !== 'parties') {
      await refuseAll('NOT_HERE', `Compliance takes parties, not ${kind}`);
      return;
    }
    const state = await this.repository.importState(tx, importId);
    if (state === 'ROLLED_BACK') {
      await refuseAll('IMPORT_ROLLED_BACK', 'The import was rolled back');
      return;
    }

    const parties: Party[] = [];
    const refused: Refusal[] = [];
    const seen = new Set<string>();
    rows.forEach((row, number) => {
      const read = readParty(row);
      if (isRefused(read)) {
        refused.push(
          ...read.problems.map(({ code, message, path }) => ({
            row: number,
            code,
            message: `${path.join('.')}: ${message}`,
          })),
        );
      } else if (seen.has(read.value.partyId)) {
        refused.push({
          row: number,
          code: 'DUPLICATE',
          message: `partyId: ${read.value.partyId} stands twice in the file`,
        });
      } else {
        seen.add(read.value.partyId);
        parties.push(read.value);
      }
    });
    if (state === undefined) await this.repository.setImportState(tx, importId, 'APPLIED');
    await this.register(tx, parties, importId);
    await answer(parties.length, refused);
  }

  /** An import nobody signed is undone: its parties are withdrawn, their records stay. */
  async rollBackCutOver(tx: Tx, importId: string): Promise<void> {
    if ((await this.repository.importState(tx, importId)) === 'SIGNED')
      throw new Error(`${importId} is signed and cannot be rolled back`);
    await this.repository.setImportState(tx, importId, 'ROLLED_BACK');
    const withdrawn = await this.repository.withdrawImport(tx, importId);
    await this.audit.append(tx, {
      action: 'parties.withdrawn',
      objectKind: 'Import',
      objectId: importId,
      principal: 'service:compliance',
      after: { parties: withdrawn },
    });
    await this.outbox.add(tx, 'compliance.cut-over-rolled-back.v1', { importId });
  }

  async cutOverSigned(tx: Tx, importId: string): Promise<void> {
    await this.repository.setImportState(tx, importId, 'SIGNED');
  }

  private async register(tx: Tx, parties: readonly Party[], importId: string): Promise<void> {
    const changed = await this.repository.register(tx, parties, importId);
    if (changed.length === 0) return;
    const rows = await this.repository.find(tx, changed);
    const names = await this.audit.commitments(
      tx,
      rows.map((row) => ({ objectKind: 'Party', objectId: row.partyId, text: row.name })),
    );
    await this.audit.appendMany(
      tx,
      rows.map((row, index) => ({
        action: row.version === 1 ? 'party.registered' : 'party.changed',
        objectKind: 'Party',
        objectId: row.partyId,
        bookId: row.book,
        principal: 'service:compliance',
        after: {
          version: row.version,
          kind: row.kind,
          legalForm: row.legalForm,
          status: row.status,
          name: names[index],
          importId,
        },
      })),
    );
    await this.alerts.openForParties(tx, await this.screening.screenParties(tx, rows, importId));
  }
}
