import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { newId, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { proposalHours, stateAfter } from '../accounts/limit-changes.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { type PostingResult } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { PostingRules } from '../posting-rules/posting-rules.service.js';
import { ReportFiles } from '../report-files/report-files.service.js';
import {
  type Attempt,
  attempts,
  correct,
  type Corrected,
  effectsOf,
  faultsOf,
  headHash,
  itemsOf,
  lineHash,
  type RulesNow,
  type Selection,
  type Transformation,
} from './corrections.js';
import { type CorrectionRow, CorrectionsRepository, type Result } from './corrections.repository.js';

/** Beyond this a correction is divided. */
export const correctionEntriesMax = 100_000;
/** Two items each: a batch of the ledger. */
export const originalsPerStep = 250;
/** What goes away by itself: nothing is kept of such a step, and it is tried again. */
const passing = new Set(['PERIOD_NOT_OPEN', 'PERIOD_CLOSED']);
const shortOf = new Set(['INSUFFICIENT_FUNDS', 'INSUFFICIENT_SECURITIES']);

export interface PreviewPlace {
  readonly sequence: string;
  readonly done: number;
}
export const previewBegins: PreviewPlace = { sequence: '0', done: 0 };

interface Tried {
  readonly corrected: Corrected;
  readonly code?: string;
  readonly reversal?: string;
  readonly rebooking?: string;
}

/** Entries of a file, a batch, a price, a fee or a version of the rules, corrected together: looked at, agreed to, booked. */
@Injectable()
export class Corrections {
  constructor(
    private readonly repository: CorrectionsRepository,
    private readonly rules: PostingRules,
    private readonly posting: PostingService,
    private readonly days: BusinessDays,
    private readonly files: ReportFiles,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly workItems: WorkItems,
  ) {}

  find(tx: Tx, correctionId: string): Promise<CorrectionRow | undefined> {
    return this.repository.find(tx, correctionId);
  }

  async request(
    tx: Tx,
    asked: { book: string; selection: Selection; transformation: Transformation; reason: string; forced: boolean },
    by: string,
  ): Promise<{ correction?: CorrectionRow; problems: Problem[] }> {
    const problems = faultsOf(asked.selection, asked.transformation);
    if (!(await this.days.worked(tx, asked.book)))
      problems.push(
        problem('PERIOD_NOT_OPEN', `No date of ${asked.book} is open: corrections are booked on one that is`, ['book']),
      );
    if (problems.length > 0) return { problems };
    const correctionId = newId('cor');
    await this.repository.insert(tx, { ...asked, correctionId, requestedBy: by, headHash: headHash(asked) });
    const previewFileId = await this.files.request(tx, {
      book: asked.book,
      kind: 'CORRECTION_PREVIEW',
      name: `Correction ${correctionId}.csv`,
      mediaType: 'text/csv',
      parameters: { correctionId },
      requestedBy: by,
    });
    const { jobRunId } = await this.outbox.add(
      tx,
      'accounting.preview-correction.v1',
      { correctionId, book: asked.book },
      { businessKey: `${asked.book} ${correctionId}` },
    );
    await this.files.setJobRun(tx, previewFileId, jobRunId);
    await this.repository.set(tx, correctionId, {
      previewFileId,
      ...(jobRunId === undefined ? {} : { previewJobRunId: jobRunId }),
    });
    const correction = await this.repository.find(tx, correctionId);
    return { ...(correction ? { correction } : {}), problems: [] };
  }

  /** How many entries there are; a correction of none, or of too many, ends here. */
  async begin(tx: Tx, correctionId: string): Promise<{ correction: CorrectionRow; total: number }> {
    const correction = await this.known(tx, correctionId, true);
    if (correction.state !== 'PREVIEWING') return { correction, total: 0 };
    const total = await this.repository.count(tx, correction);
    const code = total === 0 ? 'NOTHING_SELECTED' : total > correctionEntriesMax ? 'TOO_MANY_ENTRIES' : undefined;
    if (code === undefined) return { correction, total };
    await this.repository.set(tx, correctionId, { state: 'REFUSED', refusalCode: code, isFinished: true });
    if (correction.previewFileId)
      await this.files.refuse(tx, correction.previewFileId, [problem(code, `The selection has ${total} entries`)]);
    return { correction: { ...correction, state: 'REFUSED' }, total };
  }

  /** Previews the entries behind a place: what the ledger would say now stands in the lines. Null when there are no more. */
  async previewStep(tx: Tx, correctionId: string, place: PreviewPlace): Promise<PreviewPlace | null> {
    const correction = await this.known(tx, correctionId, true);
    const originals = await this.repository.originals(tx, correction, place.sequence, originalsPerStep);
    const last = originals.at(-1);
    if (last === undefined) return null;
    const { now, businessDate } = await this.now(
      tx,
      correction.book,
      originals.flatMap(({ postings }) => postings.map(({ asset }) => asset)),
    );
    const corrected = originals.map((original) => correct(original, correction.transformation, now));
    const foreseen = await this.attempt(
      tx,
      correction,
      corrected.filter(({ refusal }) => refusal === undefined),
      businessDate,
      correction.requestedBy,
      true,
    );
    const codes = new Map(foreseen.map(({ corrected: one, code }) => [one, code]));
    const lines = corrected.map((one): Corrected => {
      const code = codes.get(one);
      return code === undefined ? one : { original: one.original, rebooking: null, refusal: code };
    });
    await this.repository.addLines(tx, correction, place.done, lines);
    await this.repository.addEffects(tx, correction, effectsOf(lines));
    return { sequence: last.sequence, done: place.done + originals.length };
  }

  async previewed(tx: Tx, correctionId: string): Promise<void> {
    const correction = await this.known(tx, correctionId, true);
    if (correction.state !== 'PREVIEWING') return;
    await this.repository.previewed(tx, correctionId);
    await this.record(
      tx,
      'CORRECTION_PREVIEWED',
      correction,
      correction.requestedBy,
      await this.repository.counts(tx, correctionId),
    );
  }

  async propose(
    tx: Tx,
    asked: { correctionId: string; previewHash: string; expiresAt?: Date | null },
    by: string,
  ): Promise<{ correction?: CorrectionRow; problems: Problem[] }> {
    const correction = await this.repository.find(tx, asked.correctionId, true);
    if (!correction) return { problems: [problem('NOT_FOUND', 'There is no such correction', ['correctionId'])] };
    if (correction.state !== 'PREVIEWED')
      return { problems: [problem('CORRECTION_NOT_PREVIEWED', `It is ${correction.state}`, ['correctionId'])] };
    const problems: Problem[] = [];
    if (correction.previewHash !== asked.previewHash)
      problems.push(problem('PREVIEW_DIFFERS', 'The preview has another hash than was read', ['previewHash']));
    const counts = await this.repository.counts(tx, asked.correctionId);
    if (counts.WAITING === 0)
      problems.push(problem('NOTHING_CHANGES', 'No entry of it can be corrected', ['correctionId']));
    if (asked.expiresAt && (await tx.row('SELECT 1 WHERE $1::timestamptz <= kernel.now()', [asked.expiresAt])))
      problems.push(problem('ALREADY_EXPIRED', 'It would expire at once', ['expiresAt']));
    if (problems.length > 0) return { problems };
    const approvalId = newId('apr');
    await this.repository.set(tx, asked.correctionId, {
      state: 'PROPOSED',
      approvalId,
      proposedBy: by,
      hours: proposalHours,
      expiresAt: asked.expiresAt ?? null,
    });
    const proposed = await this.known(tx, asked.correctionId);
    await this.outbox.add(tx, 'compliance.request-approval.v1', {
      approvalId,
      kind: 'BULK_CORRECTION',
      service: 'accounting',
      objectKind: 'CORRECTION',
      objectId: asked.correctionId,
      book: correction.book,
      payloadHash: asked.previewHash,
      summary:
        `Correct ${counts.WAITING} entries of ${correction.book} (${correction.transformation.kind}): ${correction.reason}`.slice(
          0,
          280,
        ),
      requestedBy: by,
      expiresAt: (proposed.expiresAt ?? new Date(0)).toISOString(),
    });
    await this.record(tx, 'CORRECTION_PROPOSED', correction, by, { approvalId, payloadHash: asked.previewHash });
    return { correction: proposed, problems: [] };
  }

  async decided(tx: Tx, event: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    const open = await this.repository.ofApproval(tx, event.approvalId);
    if (open?.state !== 'PROPOSED') return;
    const next = stateAfter(event.outcome, event.payloadHash, open.previewHash ?? '');
    const isOwn = event.decidedBy === open.proposedBy || event.decidedBy === open.requestedBy;
    const state = next !== 'APPLY' ? next : isOwn ? 'REFUSED' : 'RUNNING';
    await this.repository.set(tx, open.correctionId, {
      state,
      decidedBy: event.decidedBy,
      decisionReason: event.reason,
      ...(state === 'REFUSED' ? { refusalCode: 'SECOND_PERSON_NEEDED' } : {}),
      ...(state === 'RUNNING' ? {} : { isFinished: true }),
    });
    if (state === 'RUNNING') {
      const { jobRunId } = await this.outbox.add(
        tx,
        'accounting.run-correction.v1',
        { correctionId: open.correctionId, book: open.book },
        { businessKey: `${open.book} ${open.correctionId}` },
      );
      if (jobRunId !== undefined) await this.repository.set(tx, open.correctionId, { jobRunId });
    }
    await this.record(tx, `CORRECTION_${state}`, open, event.decidedBy, { approvalId: event.approvalId });
  }

  /** Books the next lines that wait, each all or none; their results are kept with what they booked. Null when none waits. */
  async runStep(tx: Tx, correctionId: string): Promise<{ total: number; done: number; refused: number } | null> {
    const correction = await this.known(tx, correctionId, true);
    if (correction.state !== 'RUNNING') return null;
    const lines = await this.repository.waiting(tx, correctionId, originalsPerStep);
    if (lines.length === 0) return null;
    const originals = new Map(
      (
        await this.repository.originalsOf(
          tx,
          lines.map(({ originalEntryId }) => originalEntryId),
        )
      ).map((one) => [one.entryId, one]),
    );
    const { now, businessDate } = await this.now(tx, correction.book, []);
    const results: Result[] = [];
    const placeOf = new Map<Corrected, number>();
    for (const { n, originalEntryId, rebooking, lineHash: agreed } of lines) {
      const original = originals.get(originalEntryId);
      if (!original) throw new Error(`there is no entry ${originalEntryId}`);
      const corrected: Corrected = { original, rebooking };
      if (lineHash(corrected) !== agreed) throw new Error(`line ${n} of ${correctionId} is not what was agreed to`);
      // Somebody took it back, or the rules changed, between the preview and now: it is told, not booked otherwise.
      if (original.isReversed || original.isReversedInPart)
        results.push({ n, state: 'REFUSED', code: original.isReversed ? 'ALREADY_REVERSED' : 'REVERSED_IN_PART' });
      else if (rebooking?.event && rebooking.event.ruleVersion !== now.version)
        results.push({ n, state: 'REFUSED', code: 'RULES_CHANGED' });
      else placeOf.set(corrected, n);
    }
    const tried = await this.attempt(
      tx,
      correction,
      [...placeOf.keys()],
      businessDate,
      correction.decidedBy ?? 'service:accounting',
      false,
    );
    for (const { corrected, code, reversal, rebooking } of tried) {
      const n = placeOf.get(corrected) ?? 0;
      if (code !== undefined) results.push({ n, state: 'REFUSED', code });
      else
        results.push({
          n,
          state: 'DONE',
          ...(reversal === undefined ? {} : { reversalEntryId: reversal }),
          ...(rebooking === undefined ? {} : { rebookingEntryId: rebooking }),
        });
    }
    await this.repository.keep(tx, correctionId, results);
    const counts = await this.repository.counts(tx, correctionId);
    return { total: counts.WAITING + counts.DONE + counts.REFUSED, done: counts.DONE, refused: counts.REFUSED };
  }

  async finish(tx: Tx, correctionId: string): Promise<void> {
    const correction = await this.known(tx, correctionId, true);
    if (correction.state !== 'RUNNING') return;
    await this.repository.set(tx, correctionId, { state: 'DONE', isFinished: true });
    const counts = await this.repository.counts(tx, correctionId);
    await this.record(tx, 'CORRECTION_DONE', correction, correction.decidedBy ?? '', counts);
    if (counts.REFUSED === 0) return;
    const clock = await tx.row<{ due: Date }>(`SELECT kernel.now() + interval '1 day' AS due`);
    await this.workItems.openMany(tx, [
      {
        key: `correction:${correctionId}`,
        kind: 'CORRECTION_INCOMPLETE',
        category: 'OTHER',
        objectKind: 'CORRECTION',
        objectId: correctionId,
        reference: correctionId,
        reasonCode: 'ENTRIES_REFUSED',
        bookId: correction.book,
        ownerTeam: 'operations',
        dueAt: clock?.due ?? new Date(0),
        nextAction: `${counts.REFUSED} of its entries were refused: read why, and correct them by another correction or by hand`,
      },
    ]);
  }

  private async now(tx: Tx, book: string, assets: readonly string[]): Promise<{ now: RulesNow; businessDate: string }> {
    const day = await this.days.worked(tx, book);
    if (!day) throw new Error(`no date of ${book} is open: a correction waits for one`);
    const { rules, version } = (await this.rules.inForce(tx, [book]))(book, day.businessDate);
    const scales = await this.repository.scales(tx, [...new Set(assets)]);
    return { now: { rules, version, scaleOf: (asset) => scales.get(asset) }, businessDate: day.businessDate };
  }

  /** Each in the first of the ways that the accounts can bear. */
  private async attempt(
    tx: Tx,
    correction: CorrectionRow,
    corrected: readonly Corrected[],
    businessDate: string,
    requestedBy: string,
    validateOnly: boolean,
  ): Promise<Tried[]> {
    const tried: Tried[] = [];
    let open = corrected;
    for (const attempt of attempts) {
      if (open.length === 0 || (attempt === 'FORCED' && !correction.forced)) break;
      const next = await this.once(tx, correction, open, businessDate, requestedBy, validateOnly, attempt);
      const isLast = attempt === 'FORCED' || (attempt === 'REBOOKING_FIRST' && !correction.forced);
      const again = isLast ? [] : next.filter(({ code }) => code !== undefined && shortOf.has(code));
      tried.push(...next.filter((one) => !again.includes(one)));
      open = again.map((one) => one.corrected);
    }
    return tried;
  }

  private async once(
    tx: Tx,
    correction: CorrectionRow,
    corrected: readonly Corrected[],
    businessDate: string,
    requestedBy: string,
    validateOnly: boolean,
    attempt: Attempt,
  ): Promise<Tried[]> {
    const groups = corrected.map((one) => itemsOf(correction, one, businessDate, attempt));
    const answers = await this.posting.post(tx, {
      items: groups.flat(),
      requestedBy,
      validateOnly,
      batchId: correction.correctionId,
    });
    let at = 0;
    return corrected.map((one, n): Tried => {
      const results = answers.slice(at, (at += groups[n]?.length ?? 0));
      const refusal = results.find(isPrimary) ?? results.find(({ outcome }) => outcome === 'REFUSED');
      if (refusal) {
        if (!validateOnly && passing.has(refusal.code ?? ''))
          throw new Error(
            `${businessDate} of ${correction.book} takes no more postings: a correction waits for the next date`,
          );
        return { corrected: one, code: refusal.code ?? 'REFUSED' };
      }
      const idOf = (op: PostingResult['op']) => results.find((result) => result.op === op)?.id;
      const [reversal, rebooking] = [idOf('REVERSAL'), idOf('ENTRY')];
      return {
        corrected: one,
        ...(reversal === undefined ? {} : { reversal }),
        ...(rebooking === undefined ? {} : { rebooking }),
      };
    });
  }

  private async known(tx: Tx, correctionId: string, lock = false): Promise<CorrectionRow> {
    const correction = await this.repository.find(tx, correctionId, lock);
    if (!correction) throw new Error(`there is no correction ${correctionId}`);
    return correction;
  }

  private async record(tx: Tx, action: string, correction: CorrectionRow, by: string, after: object): Promise<void> {
    await this.audit.append(tx, {
      action,
      objectKind: 'CORRECTION',
      objectId: correction.correctionId,
      bookId: correction.book,
      principal: by,
      reason: correction.reason,
      after,
    });
  }
}

const isPrimary = ({ outcome, code }: PostingResult): boolean =>
  outcome === 'REFUSED' && code !== 'LINKED_ITEM_REFUSED';
