import { type VerifyResult } from '#tools/verify/verify.js';
import { type Api } from './api.js';
import { type DayFigure, rowsOf, valuesOf } from './figures.js';
import { type DayReport, dueOf, tradesOf } from './summary.js';

const figureFields = '{ row part currency count value references }';

/** Every figure that the services state for a date, work items among them. */
export async function figuresOf(api: Api, businessDate: string): Promise<DayFigure[]> {
  const data = await api.send<
    Record<'settlementDayFigures' | 'accountingDayFigures' | 'complianceDayFigures', DayFigure[] | null>
  >(
    'auditor',
    `query Figures($date: Date!) { settlementDayFigures(businessDate: $date) ${figureFields} accountingDayFigures(businessDate: $date) ${figureFields} complianceDayFigures(businessDate: $date) ${figureFields} }`,
    { date: businessDate },
  );
  return [
    ...(data.settlementDayFigures ?? []),
    ...(data.accountingDayFigures ?? []),
    ...(data.complianceDayFigures ?? []),
    ...(await workItemFigures(api)),
  ];
}

const partOfCategory: Record<string, string> = {
  REPAIR: 'repairAndUnconfirmed',
  UNCONFIRMED: 'repairAndUnconfirmed',
  HELD: 'held',
  FAIL: 'failsAndPartials',
  PARTIAL: 'failsAndPartials',
  UNMATCHED: 'unmatched',
  BREAK: 'breaks',
  SHORTFALL: 'shortfalls',
};

interface WorkItemPage {
  edges: { node: { category: string; reference: string } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

async function workItemFigures(api: Api): Promise<DayFigure[]> {
  const figures = new Map<string, DayFigure>();
  for (const service of ['settlement', 'accounting', 'compliance']) {
    const field = `${service}WorkItems`;
    let after: string | null = null;
    do {
      const data: Record<string, WorkItemPage> = await api.send<Record<string, WorkItemPage>>(
        'auditor',
        `query WorkItems($after: String) { ${field}(filter: { state: OPEN }, first: 100, after: $after) { edges { node { category reference } } pageInfo { hasNextPage endCursor } } }`,
        { after },
      );
      const page = data[field];
      for (const { node } of page?.edges ?? []) {
        const part = partOfCategory[node.category] ?? 'other';
        const figure = figures.get(part) ?? {
          row: 'workItems',
          part,
          currency: null,
          count: 0,
          value: null,
          references: [],
        };
        figure.count += 1;
        figure.references.push(node.reference);
        figures.set(part, figure);
      }
      after = page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after);
  }
  return [...figures.values()];
}

export async function reportOf(
  api: Api,
  businessDate: string,
  books: readonly string[],
  verified: VerifyResult,
  seconds: Record<string, number>,
  peakMemoryMb: number,
): Promise<DayReport> {
  const figures = await figuresOf(api, businessDate);
  const rows = rowsOf(figures);
  const { ledgerSummary } = await api.send<{ ledgerSummary: DayReport['ledger'] }>(
    'auditor',
    'query Ledger { ledgerSummary { entries postings sums } }',
  );
  return {
    businessDates: Object.fromEntries(books.map((book) => [book, businessDate])),
    rows,
    trades: tradesOf(rows),
    due: dueOf(rows),
    values: valuesOf(figures),
    workItems: rows.workItems === 'not yet' ? 0 : (rows.workItems?.total ?? 0),
    ledger: ledgerSummary,
    verify: { checked: verified.checked, broken: verified.broken },
    seconds,
    peakMemoryMb,
  };
}
