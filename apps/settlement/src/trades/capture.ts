import { type PlainDate } from '#libs/calendar/index.js';
import { canonicalJson, idFrom, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { currencyExponent } from '#libs/money/index.js';
import { enrich, type Enrichment, type EnrichmentFacts } from './enrichment.js';
import { factsOf, type RawTradeLine, type TradeLine } from './trade-line.js';
import { type TradeAction, tradeActions, type TradeState } from './trade.js';
import { type LineFacts, validateLine } from './validation.js';

export const lineOutcomes = ['CAPTURED', 'REJECTED', 'AMENDMENT', 'DUPLICATE', 'CONFLICT'] as const;
export type LineOutcomeCode = (typeof lineOutcomes)[number];

export interface LineOutcome {
  readonly outcome: LineOutcomeCode;
  readonly problems: readonly Problem[];
  readonly tradeId: string | null;
  /** As the line says it, also when it was rejected: for the report of the file. */
  readonly reference: string;
  readonly assetClass: string;
  readonly market: string;
  readonly currency: string;
  readonly amount: string | null;
  readonly bookId: string | null;
  readonly businessDate: PlainDate | null;
}

/** Which date a book takes trades in for, and whether they are worked at once or wait for that date to open. */
export interface Intake {
  readonly businessDate: PlainDate;
  readonly isOpen: boolean;
}

export interface KnownTrade {
  readonly tradeId: string;
  readonly bookId: string;
  readonly version: number;
  readonly state: TradeState;
  readonly businessDate: PlainDate;
  readonly counterpartySealed: string | null;
  readonly settlementDate: PlainDate;
  readonly currency: string;
}

export interface CaptureContext {
  readonly trades: ReadonlyMap<string, KnownTrade>;
  /** `source|executionId|version` → hash of the facts. */
  readonly versions: ReadonlyMap<string, string>;
  readonly lineFacts: LineFacts;
  readonly enrichmentFacts: EnrichmentFacts;
  intake(bookId: string): Intake | undefined;
}

export interface NewVersion {
  readonly tradeId: string;
  readonly source: string;
  readonly executionId: string;
  readonly version: number;
  readonly action: TradeAction;
  readonly bookId: string;
  readonly payload: Record<string, string | number | boolean | null>;
  readonly payloadHash: string;
  readonly freeText: string | null;
}

export interface NewTrade {
  readonly tradeId: string;
  readonly line: TradeLine;
  readonly state: TradeState;
  readonly enrichment: Enrichment;
  readonly businessDate: PlainDate;
  readonly isProcessed: boolean;
}

export interface CapturePlan {
  readonly outcomes: readonly LineOutcome[];
  readonly versions: readonly NewVersion[];
  readonly newTrades: readonly NewTrade[];
  readonly corrections: readonly NewTrade[];
  readonly cancellations: readonly { tradeId: string; version: number }[];
}

export const tradeIdOf = (source: string, executionId: string): string => idFrom('trd', source, executionId);
const keyOf = (source: string, executionId: string, version: number) => `${source}|${executionId}|${version}`;

export interface LineIdentity {
  readonly source: string;
  readonly executionId: string;
  readonly version: number;
  readonly action: TradeAction;
}

/** Who the line is about; null when not even that can be read. */
export function identityOf(raw: RawTradeLine): LineIdentity | null {
  const [source, executionId, version, action] = [
    raw.source.trim(),
    raw.executionId.trim(),
    raw.version.trim(),
    raw.action.trim(),
  ];
  if (!/^[A-Za-z0-9._:/-]{1,52}$/.test(source) || !/^[A-Za-z0-9._:/-]{1,52}$/.test(executionId)) return null;
  if (!/^[1-9]\d{0,5}$/.test(version) || !(tradeActions as readonly string[]).includes(action)) return null;
  return { source, executionId, version: Number(version), action: action as TradeAction };
}

interface Standing {
  tradeId: string;
  version: number;
  state: TradeState;
  bookId: string;
  businessDate: PlainDate;
  isKnown: boolean;
  economics: TradeLine | null;
  isChanged: boolean;
  isCancelledNow: boolean;
}

/**
 * What a chunk of lines does, decided at once and without a database. The highest version of an execution
 * is what counts and a cancellation is final, so the order of the lines and their repetition change nothing.
 */
export function planCapture(raws: readonly RawTradeLine[], context: CaptureContext): CapturePlan {
  const outcomes: LineOutcome[] = [];
  const versions: NewVersion[] = [];
  const seen = new Map(context.versions);
  const standings = new Map<string, Standing>();
  for (const [tradeId, trade] of context.trades) {
    standings.set(tradeId, { ...trade, isKnown: true, economics: null, isChanged: false, isCancelledNow: false });
  }

  for (const raw of raws) {
    const identity = identityOf(raw);
    const tradeId = identity && tradeIdOf(identity.source, identity.executionId);
    const standing = tradeId === null ? undefined : standings.get(tradeId);
    const isPlainCancel = identity?.action === 'CANCEL' && standing !== undefined;
    const verdict = isPlainCancel ? null : validateLine(raw, context.lineFacts);
    const line = verdict?.line ?? null;

    const bookId = line?.bookId ?? standing?.bookId ?? null;
    const intake = bookId === null ? undefined : context.intake(bookId);
    const report = (outcome: LineOutcomeCode, problems: readonly Problem[]): void => {
      outcomes.push({
        outcome,
        problems,
        tradeId: outcome === 'REJECTED' ? null : tradeId,
        reference: printable(raw.executionId).slice(0, 64),
        assetClass: printable(raw.assetClass),
        market: printable(raw.market),
        currency: printable(raw.currency),
        amount: /^-?\d{1,30}(\.\d{1,12})?$/.test(raw.amount.trim()) ? raw.amount.trim() : null,
        bookId,
        businessDate: intake?.businessDate ?? null,
      });
    };
    if (identity === null || tradeId === null || (verdict && !line)) {
      report('REJECTED', verdict?.problems ?? []);
      continue;
    }

    const facts = identity.action === 'CANCEL' || !line ? { ...identity } : factsOf(line);
    const payloadHash = sha256Hex(canonicalJson(facts));
    const key = keyOf(identity.source, identity.executionId, identity.version);
    const earlier = seen.get(key);
    if (earlier !== undefined) {
      if (earlier === payloadHash) report('DUPLICATE', []);
      else
        report('CONFLICT', [
          problem('EXECUTION_VERSION_REUSED', `version ${identity.version} came before with other facts`, ['version']),
        ]);
      continue;
    }
    const refusal =
      standing && (identity.action === 'CANCEL' || identity.version > standing.version)
        ? refusalOfAmendment(standing.state)
        : null;
    if (refusal) {
      report('REJECTED', [refusal]);
      continue;
    }
    if (bookId === null || !intake) throw new Error(`the book of ${identity.executionId} has no intake date`);

    seen.set(key, payloadHash);
    const freeText = line?.counterpartyName ?? null;
    versions.push({ tradeId, ...identity, bookId, payload: facts, payloadHash, freeText });
    const target: Standing = standing ?? {
      tradeId,
      version: 0,
      state: 'RECEIVED',
      bookId,
      businessDate: intake.businessDate,
      isKnown: false,
      economics: null,
      isChanged: false,
      isCancelledNow: false,
    };
    standings.set(tradeId, target);
    apply(target, identity, line);
    report(identity.action === 'NEW' ? 'CAPTURED' : 'AMENDMENT', []);
  }
  return { outcomes, versions, ...changesOf([...standings.values()], context) };
}

function apply(target: Standing, identity: LineIdentity, line: TradeLine | null): void {
  if (identity.action === 'CANCEL') {
    target.isCancelledNow = target.state !== 'CANCELLED';
    target.state = 'CANCELLED';
    target.version = Math.max(target.version, identity.version);
    if (!target.isKnown) target.economics ??= line;
    return;
  }
  if (identity.version <= target.version || target.state === 'CANCELLED') {
    if (!target.isKnown) target.economics ??= line;
    return;
  }
  target.version = identity.version;
  target.economics = line;
  target.isChanged = true;
}

/** What has left us is changed at the place first: by a cancellation there, then by a new trade. */
function refusalOfAmendment(state: TradeState): Problem | null {
  if (state === 'CANCELLED')
    return problem('TRADE_ALREADY_CANCELLED', 'a cancelled trade takes no further version', ['version']);
  if (state === 'SETTLED')
    return problem('TRADE_ALREADY_SETTLED', 'a settled trade is undone by an opposite trade', ['version']);
  if (state === 'INSTRUCTED')
    return problem('TRADE_ALREADY_INSTRUCTED', 'the instruction is cancelled at the place first', ['version']);
  return null;
}

function changesOf(
  standings: readonly Standing[],
  context: CaptureContext,
): Pick<CapturePlan, 'newTrades' | 'corrections' | 'cancellations'> {
  const newTrades: NewTrade[] = [];
  const corrections: NewTrade[] = [];
  const cancellations: { tradeId: string; version: number }[] = [];
  for (const standing of standings) {
    const { tradeId, economics, isKnown, isChanged, isCancelledNow } = standing;
    if (isKnown && isCancelledNow) {
      cancellations.push({ tradeId, version: standing.version });
      continue;
    }
    if (economics === null || (isKnown && !isChanged)) continue;
    const intake = context.intake(standing.bookId);
    const isProcessed = isKnown ? context.trades.get(tradeId)?.state !== 'RECEIVED' : intake?.isOpen === true;
    const enrichment = enrich(
      { ...economics, hasFreeText: economics.counterpartyName !== null },
      context.enrichmentFacts,
    );
    const state: TradeState =
      standing.state === 'CANCELLED' ? 'CANCELLED' : isProcessed ? enrichment.state : 'RECEIVED';
    const change = {
      tradeId,
      line: { ...economics, version: standing.version },
      state,
      enrichment,
      businessDate: standing.businessDate,
      isProcessed: isProcessed && state !== 'CANCELLED',
    };
    (isKnown ? corrections : newTrades).push(change);
  }
  return { newTrades, corrections, cancellations };
}

const printable = (text: string) => text.replace(/[^\x20-\x7e]/g, '').trim();

/** Counts of a chunk, as the file and its job run show them. */
export function countOutcomes(outcomes: readonly { outcome: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

export const amountScaleOf = (currency: string): number => currencyExponent(currency);
