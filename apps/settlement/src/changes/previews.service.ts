import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { InstructionDatesService } from '../instructions/instruction-dates.service.js';
import { StaticDataService } from '../static-data/static-data.service.js';
import { type Touch, type Touched } from '../trades/touch.js';
import { TradeDatesService } from '../trades/trade-dates.service.js';
import { type CalendarClosure } from './closure.js';
import { ClosuresService } from './closures.service.js';
import { ChangesService, type SsiChangeInput } from './changes.service.js';
import { type PriceOverride } from './change.js';

export interface ProposedChange {
  readonly ssi?: SsiChangeInput | null;
  readonly priceOverride?: PriceOverride | null;
  readonly suspendedIsin?: string | null;
  readonly calendarClosure?: CalendarClosure | null;
}

export interface ChangePreview {
  /** Why the change would not be taken as it stands. */
  readonly problems: readonly Problem[];
  readonly tradesInRepair: Touched;
  readonly trades: Touched;
  readonly unsentInstructions: Touched;
  readonly sentInstructions: Touched;
}

const nothing: Touched = { count: 0, ids: [] };
const kinds = ['ssi', 'priceOverride', 'suspendedIsin', 'calendarClosure'] as const;

/** What a change of static data would touch, told before anybody decides on it. Nothing is written. */
@Injectable()
export class PreviewsService {
  constructor(
    private readonly changes: ChangesService,
    private readonly closures: ClosuresService,
    private readonly staticData: StaticDataService,
    private readonly tradeDates: TradeDatesService,
    private readonly instructionDates: InstructionDatesService,
  ) {}

  async preview(tx: Tx, change: ProposedChange): Promise<ChangePreview> {
    const given = kinds.filter((kind) => change[kind] !== undefined && change[kind] !== null);
    if (given.length !== 1)
      return this.told(nothing, nothing, { unsent: nothing, sent: nothing }, [
        problem('ONE_CHANGE', `give one of ${kinds.join(', ')}`, [given[1] ?? 'change']),
      ]);
    const { touch, problems } = await this.reach(tx, change);
    if (touch === null) return this.told(nothing, nothing, { unsent: nothing, sent: nothing }, problems);
    return this.told(
      await this.tradeDates.touched(tx, touch, true),
      await this.tradeDates.touched(tx, touch),
      await this.instructionDates.touched(tx, touch),
      problems,
    );
  }

  private async reach(tx: Tx, change: ProposedChange): Promise<{ touch: Touch | null; problems: readonly Problem[] }> {
    if (change.ssi) {
      const problems = await this.changes.checkSsi(tx, change.ssi);
      const { counterpartyId, market, placeId, validFrom } = change.ssi;
      return under('ssi', problems, { counterpartyId, market, placeId, settlesFrom: validFrom });
    }
    if (change.priceOverride) {
      const problems = await this.changes.checkPrice(tx, change.priceOverride);
      const { isin, priceDate } = change.priceOverride;
      return under('priceOverride', problems, { isin, tradedFrom: priceDate });
    }
    if (change.calendarClosure) {
      const problems = await this.closures.check(tx, change.calendarClosure);
      const touch = problems.length === 0 ? await this.closures.reach(tx, change.calendarClosure) : {};
      return under('calendarClosure', problems, touch);
    }
    const isin = change.suspendedIsin ?? '';
    const isText = isin.length <= 12 && !isin.includes('\u0000');
    const instrument = isText ? await this.staticData.instrument(tx, isin) : undefined;
    return instrument
      ? { touch: { isin }, problems: [] }
      : {
          touch: null,
          problems: [problem('UNKNOWN_INSTRUMENT', `no instrument ${isin.slice(0, 12)}`, ['suspendedIsin'])],
        };
  }

  private told(
    tradesInRepair: Touched,
    trades: Touched,
    { unsent, sent }: { unsent: Touched; sent: Touched },
    problems: readonly Problem[],
  ): ChangePreview {
    return { problems, tradesInRepair, trades, unsentInstructions: unsent, sentInstructions: sent };
  }
}

/** A change with faults touches nothing: it would be refused. */
const under = (
  field: string,
  problems: readonly Problem[],
  touch: Touch,
): { touch: Touch | null; problems: readonly Problem[] } => ({
  touch: problems.length > 0 ? null : touch,
  problems: problems.map((one) => ({ ...one, path: [field, ...one.path] })),
});
