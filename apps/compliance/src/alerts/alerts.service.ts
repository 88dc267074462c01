import { Injectable } from '@nestjs/common';
import { type Actor, AuditTrail, subjectOf } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { canonicalJson, idFrom, newId, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { type NewWorkItem, WorkItems } from '#libs/work-items/index.js';
import { type ApprovalRow } from '../approvals/approvals.repository.js';
import { Approvals, notFound } from '../approvals/approvals.service.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { ComplianceConfig } from '../compliance.config.js';
import { PartyRegister } from '../parties/party-register.service.js';
import { type ScreenedObject } from '../screening/screening.service.js';
import { alertDueAt, approvalKindOf, workItemKeyOf } from './alerts.js';
import { type AlertRow, AlertsRepository, type NewAlert } from './alerts.repository.js';

export interface ReleaseProposal {
  readonly alert?: AlertRow;
  readonly approval?: ApprovalRow;
  readonly problems: readonly Problem[];
}

export interface AlertAnswer {
  readonly alert?: AlertRow;
  readonly problems: readonly Problem[];
}

type HeldObject = PayloadOf<'settlement.party-hold-applied.v1'>['objects'][number];

/** What a screening stopped, until a person has decided on it. */
@Injectable()
export class Alerts {
  constructor(
    private readonly repository: AlertsRepository,
    private readonly approvals: Approvals,
    private readonly parties: PartyRegister,
    private readonly businessDays: BusinessDays,
    private readonly workItems: WorkItems,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly config: ComplianceConfig,
  ) {}

  openOf(tx: Tx, objects: readonly { objectKind: string; objectId: string }[]): Promise<AlertRow[]> {
    return this.repository.openOf(tx, objects);
  }

  /** Open alerts whose entry the source no longer lists say so; a person still decides. */
  async markDelisted(tx: Tx, source: string, listVersionId: string): Promise<void> {
    await this.repository.markDelisted(tx, source, listVersionId);
  }

  /** One open alert and work item for each object that was hit; returns the alert of each object, also one that was open before. */
  async openForObjects(tx: Tx, screened: readonly ScreenedObject[]): Promise<Map<string, string>> {
    const hits = screened.filter(({ outcome }) => outcome === 'HIT');
    if (hits.length === 0) return new Map();
    const heldParties = hits.flatMap(({ reason, partyId }) =>
      reason === 'PARTY_HELD' && partyId !== undefined ? [partyId] : [],
    );
    const holding = new Map((await this.repository.holding(tx, heldParties)).map((alert) => [alert.objectId, alert]));
    const opened = await this.open(
      tx,
      hits.map((hit) => {
        const parent = hit.reason === 'PARTY_HELD' && hit.partyId !== undefined ? holding.get(hit.partyId) : undefined;
        return {
          ...hit.object,
          partyId: hit.partyId ?? null,
          parentAlertId: parent?.alertId ?? null,
          screeningId: hit.screeningId,
          listVersionId: hit.listVersionId,
          entryVersionId: hit.decisive?.entryVersionId ?? parent?.entryVersionId ?? null,
          entryName: hit.decisive?.listName ?? parent?.entryName ?? null,
          score: hit.decisive?.score ?? parent?.score ?? 0,
          reasonCode: hit.reason ?? 'NAME_MATCH',
          wasSent: false,
          work: 'OWN_ITEM' as const,
        };
      }),
    );
    await this.openWorkItems(tx, opened);
    const open = await this.repository.openOf(
      tx,
      hits.map(({ object }) => object),
    );
    return new Map(open.map((alert) => [`${alert.objectKind}/${alert.objectId}`, alert.alertId]));
  }

  /** Parties that are hit are held, and settlement is asked what must stop; it answers with what it stopped. */
  async openForParties(tx: Tx, screened: readonly ScreenedObject[]): Promise<number> {
    const hits = screened.filter(({ outcome }) => outcome === 'HIT');
    if (hits.length === 0) return 0;
    const opened = await this.open(
      tx,
      hits.map((hit) => ({
        ...hit.object,
        partyId: hit.object.objectId,
        parentAlertId: null,
        screeningId: hit.screeningId,
        listVersionId: hit.listVersionId,
        entryVersionId: hit.decisive?.entryVersionId ?? null,
        entryName: hit.decisive?.listName ?? null,
        score: hit.score,
        reasonCode: hit.reason ?? 'NAME_MATCH',
        wasSent: false,
        work: 'AWAITING_SETTLEMENT' as const,
      })),
    );
    await this.parties.hold(
      tx,
      opened.map(({ objectId }) => objectId),
    );
    await this.outbox.addAll(
      tx,
      opened.map(({ alertId, objectId, listVersionId }) => ({
        name: 'compliance.party-held.v1' as const,
        payload: { partyId: objectId, alertId, listVersionId },
      })),
    );
    return opened.length;
  }

  /** Settlement's answer: what it stopped gets alerts and items of its own; a party with nothing open gets an item itself. */
  async partyHoldApplied(tx: Tx, answer: PayloadOf<'settlement.party-hold-applied.v1'>): Promise<void> {
    const party = await this.repository.lock(tx, answer.alertId);
    if (!party) throw new Error(`Settlement answers for ${answer.alertId}, which is not known`);
    if (party.state !== 'OPEN') {
      await this.announce(tx, answer.objects, party, party.state);
      return;
    }
    if (answer.objects.length === 0) {
      if (party.work === 'AWAITING_SETTLEMENT') await this.takeOver(tx, party);
      return;
    }
    const opened = await this.open(
      tx,
      answer.objects.map((object) => ({
        objectKind: object.objectKind,
        objectId: object.objectId,
        reference: object.reference,
        book: object.book,
        partyId: party.objectId,
        parentAlertId: party.alertId,
        screeningId: party.screeningId,
        listVersionId: party.listVersionId,
        entryVersionId: party.entryVersionId,
        entryName: party.entryName,
        score: party.score,
        reasonCode: 'PARTY_HELD' as const,
        wasSent: object.wasSent,
        work: 'OWN_ITEM' as const,
      })),
    );
    await this.openWorkItems(tx, opened);
    if (party.work === 'AWAITING_SETTLEMENT') {
      // Objects that had an alert of their own before are cared for by it; the party is then nobody's child.
      const isCoveredByChildren = (await this.repository.lockOpenChildren(tx, party.alertId)).length > 0;
      if (isCoveredByChildren) await this.repository.setWork(tx, party.alertId, 'ITEMS_OF_OBJECTS');
      else await this.takeOver(tx, party);
    }
  }

  /** The first of two people. What is proposed is bound to the screening the release is about. */
  async proposeRelease(tx: Tx, alertId: string, reason: string, by: Actor): Promise<ReleaseProposal> {
    const alert = await this.repository.lock(tx, alertId);
    if (!alert) return { problems: [notFound('alert', 'alertId')] };
    if (alert.state !== 'OPEN') return { alert, problems: [decided(alert)] };
    const pending = await this.approvals.openAbout(tx, 'Alert', alertId);
    if (pending) {
      return {
        alert,
        approval: pending,
        problems: [problem('RELEASE_ALREADY_PROPOSED', 'A release is waiting for its second person', ['alertId'])],
      };
    }
    const requestedBy = subjectOf(by);
    const now = await this.businessDays.now(tx);
    const approvalId = newId('apr');
    await this.approvals.request(tx, {
      approvalId,
      kind: approvalKindOf(alert.objectKind),
      service: 'compliance',
      objectKind: 'Alert',
      objectId: alertId,
      book: alert.book,
      payloadHash: releaseHash(alert, reason),
      summary: `Release ${alert.objectKind.toLowerCase()} ${alert.reference}: ${reason}`.slice(0, 280),
      requestedBy,
      expiresAt: new Date(now.getTime() + this.config.approvalHours * 3_600_000).toISOString(),
    });
    return { alert, approval: await this.approvals.find(tx, approvalId), problems: [] };
  }

  /** The object stays stopped for good. One person is enough to keep it stopped: nothing is let through. */
  async confirmHit(tx: Tx, alertId: string, reason: string, by: Actor): Promise<AlertAnswer> {
    const alert = await this.repository.lock(tx, alertId);
    if (!alert) return { problems: [notFound('alert', 'alertId')] };
    if (alert.state !== 'OPEN') return { alert, problems: [decided(alert)] };
    await this.decide(tx, alert, 'CONFIRMED', reason, by);
    return { alert: (await this.repository.find(tx, [alertId]))[0], problems: [] };
  }

  /** The second person approved: the alert is released, and with a party's alert everything that was stopped for it. */
  async release(tx: Tx, alertId: string, reason: string, by: Actor): Promise<void> {
    const alert = await this.repository.lock(tx, alertId);
    if (alert?.state !== 'OPEN') return;
    await this.decide(tx, alert, 'RELEASED', reason, by);
  }

  private async decide(
    tx: Tx,
    alert: AlertRow,
    decision: 'RELEASED' | 'CONFIRMED',
    reason: string,
    by: Actor,
  ): Promise<void> {
    const children = alert.objectKind === 'PARTY' ? await this.repository.lockOpenChildren(tx, alert.alertId) : [];
    const all = [alert, ...children];
    const subject = subjectOf(by);
    const dateOf = await this.businessDays.dates(tx);
    await this.repository.decide(
      tx,
      all.map(({ alertId }) => alertId),
      decision,
      dateOf(alert.book),
      subject,
      reason,
    );
    await this.workItems.closeMany(
      tx,
      all.map(({ alertId }) => workItemKeyOf(alertId)),
      `${decision.toLowerCase()}: ${reason}`,
      subject,
    );
    await this.approvals.withdrawOf(
      tx,
      'Alert',
      all.map(({ alertId }) => alertId),
      `the alert is ${decision.toLowerCase()}`,
      by,
    );
    if (alert.objectKind === 'PARTY' && decision === 'RELEASED') {
      await this.parties.release(tx, [alert.objectId]);
      await this.repository.clearMatches(tx, alert);
    }
    // What was stopped for a party that is decided itself is decided with it: settlement knows it by the party's alert.
    for (const one of all)
      await this.announce(tx, [one], one.objectKind === 'INSTRUCTION' ? alert : one, decision, subject);
    await this.audit.appendMany(
      tx,
      all.map((one) => ({
        action: `alert.${decision.toLowerCase()}`,
        objectKind: 'Alert',
        objectId: one.alertId,
        bookId: one.book,
        principal: by,
        reason,
        before: { state: one.state },
        after: { state: decision },
      })),
    );
    if (alert.parentAlertId !== null) await this.afterChild(tx, alert.parentAlertId);
  }

  /** The last thing that was stopped for a party is decided: the party itself is somebody's work now. */
  private async afterChild(tx: Tx, partyAlertId: string): Promise<void> {
    const party = await this.repository.lock(tx, partyAlertId);
    if (party?.state !== 'OPEN' || party.work !== 'ITEMS_OF_OBJECTS') return;
    if ((await this.repository.lockOpenChildren(tx, partyAlertId)).length === 0) await this.takeOver(tx, party);
  }

  private async takeOver(tx: Tx, alert: AlertRow): Promise<void> {
    await this.repository.setWork(tx, alert.alertId, 'OWN_ITEM');
    await this.openWorkItems(tx, [alert]);
  }

  private async announce(
    tx: Tx,
    objects: readonly Pick<HeldObject | AlertRow, 'objectKind' | 'objectId'>[],
    alert: AlertRow,
    decision: 'RELEASED' | 'CONFIRMED',
    decidedBy: string = alert.decidedBy ?? 'service:compliance',
  ): Promise<void> {
    for (const { objectKind, objectId } of objects) {
      if (objectKind === 'PARTY') continue;
      await this.outbox.add(tx, 'compliance.hold-decided.v1', {
        alertId: alert.alertId,
        objectKind,
        objectId,
        ...(objectKind === 'INSTRUCTION' && alert.parentAlertId !== null ? { partyAlertId: alert.parentAlertId } : {}),
        decision,
        decidedBy,
      });
    }
  }

  private async open(
    tx: Tx,
    alerts: readonly Omit<NewAlert, 'alertId' | 'businessDate' | 'dueAt'>[],
  ): Promise<AlertRow[]> {
    const dateOf = await this.businessDays.dates(tx);
    const dueAt = alertDueAt(await this.businessDays.now(tx), this.config);
    const opened = await this.repository.insert(
      tx,
      alerts.map((alert) => ({
        ...alert,
        alertId: idFrom('alt', alert.objectKind, alert.objectId, alert.screeningId),
        businessDate: dateOf(alert.book),
        dueAt,
      })),
    );
    await this.audit.appendMany(
      tx,
      opened.map((alert) => ({
        action: 'alert.opened',
        objectKind: 'Alert',
        objectId: alert.alertId,
        bookId: alert.book,
        principal: 'service:compliance',
        after: {
          state: 'OPEN',
          object: `${alert.objectKind} ${alert.objectId}`,
          screeningId: alert.screeningId,
          score: alert.score,
        },
      })),
    );
    return opened;
  }

  private async openWorkItems(tx: Tx, alerts: readonly AlertRow[]): Promise<void> {
    await this.workItems.openMany(tx, alerts.map(workItemOf), 'service:compliance');
  }
}

function workItemOf(alert: AlertRow): NewWorkItem {
  return {
    key: workItemKeyOf(alert.alertId),
    kind: 'SCREENING_ALERT',
    category: 'HELD',
    objectKind: alert.objectKind,
    objectId: alert.objectId,
    reference: alert.reference,
    reasonCode: alert.reasonCode,
    bookId: alert.book,
    ownerTeam: 'compliance',
    dueAt: alert.dueAt,
    nextAction: 'Compare with the list entry; propose the release or confirm the hit',
  };
}

function decided(alert: AlertRow): Problem {
  return problem('ALERT_DECIDED', `The alert is ${alert.state.toLowerCase()}`, ['alertId']);
}

/** What exactly is released: this object, for this finding, for this reason. */
export function releaseHash(alert: AlertRow, reason: string): string {
  const { alertId, objectKind, objectId, screeningId } = alert;
  return sha256Hex(canonicalJson({ alertId, objectKind, objectId, screeningId, decision: 'RELEASE', reason }));
}
