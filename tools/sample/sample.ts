import { addDays, calendarOf, instantOf, isBusinessDay, type PlainDate } from '#libs/calendar/index.js';
import { stringify } from 'csv-stringify/sync';
import { makeCutOver, makeHolders, makePosition, nostros, openingMarketBooks, places } from './cut-over.js';
import { makeDueTrades } from './due.js';
import { type Book, type Counterparty, type Institution, makeInstitution } from './institution.js';
import { initialList, updatedList } from './names.js';
import { type DayTrades, decimalText, makeDayOneTrades, makeQuietTrades, quietVolume } from './new-trades.js';
import {
  type DayPayments,
  makeDayOnePayments,
  makeQuietPayments,
  pain001,
  type SamplePayment,
  statementCasesOf,
} from './payments.js';
import { sanctionsFiles } from './sanctions.js';
import { exponentOf, TradeMaker } from './trades.js';
import { type SampleVolume, smallInstitution } from './volume.js';

export const sampleSeed = 'northgate-1';
export const firstDay: PlainDate = '2026-11-25';

/** The calendar that opens a book. */
export const bookCalendars: Record<Book, string> = { NGEU: 'TARGET', NGUS: 'USNY' };
export const booksOpenOn = (date: PlainDate): Book[] =>
  (['NGEU', 'NGUS'] as const).filter((book) => isBusinessDay(calendarOf(bookCalendars[book]), date));

/** The n-th day of the sample: days on which at least one book opens. */
export function sampleDays(count: number): PlainDate[] {
  const days: PlainDate[] = [];
  for (let date = firstDay; days.length < count; date = addDays(date, 1))
    if (booksOpenOn(date).length > 0) days.push(date);
  return days;
}

/** One step of a day's script. Times are Frankfurt time. */
export type DayStep = { at: string } & (
  | { action: 'OPEN'; books: Book[] }
  | { action: 'PHASE'; phase: 'GATE' | 'AFFIRM' | 'INSTRUCT' | 'SETTLE' | 'CUT_OFF' | 'FAIL_SNAPSHOT'; cycle: number }
  | { action: 'FILE'; kind: 'TRADES' | 'ALLOCATIONS' | 'CONFIRMATIONS' | 'PAYMENTS'; name: string; file: string }
  | { action: 'SANCTIONS_LIST'; name: string; files: { primary: string; alternateNames: string; addresses: string } }
  | { action: 'PAYMENTS'; file: string; part: 'byMutation' | 'replays' | 'reusedKeys' | 'late' }
  | { action: 'RELEASE_PAYMENT'; endToEndId: string }
  | { action: 'APPROVALS' }
  | { action: 'COVER_SHORTFALLS' }
  | { action: 'ADVANCE_MARKET' }
  | { action: 'CLOSE' }
);

const frankfurt = 'Europe/Berlin';

/** The market keeps no calendar of its own: the days it is closed are written into its script. */
const closedOn = (calendar: string): PlainDate[] =>
  [...calendarOf(calendar).holidays].filter((date) => date >= '2026-11-01' && date <= '2027-12-31').sort();

/** Every file of the sample, path → content. The same seed, scale and volume give the same bytes. */
export function makeSample(options: {
  days: number;
  scale: number;
  seed?: string;
  volume?: SampleVolume;
}): Map<string, string> {
  const sampleVolume = options.volume ?? 'full';
  const seed = options.seed ?? sampleSeed;
  const everyone = makeInstitution(seed);
  const institution = sampleVolume === 'small' ? smallInstitution(everyone) : everyone;
  const holders = makeHolders(institution);
  const position = makePosition(institution, holders);
  const due = makeDueTrades(
    institution,
    new TradeMaker(institution, holders, `${seed}:due`),
    options.scale,
    sampleVolume,
  );
  const cutOver = makeCutOver(institution, position, due.trades);
  const out = new Map<string, string>();

  for (const [kind, rows] of Object.entries(cutOver.files))
    out.set(`cut-over/${kind}.csv`, stringify(rows, { header: true }));
  out.set('cut-over/control-totals.json', json(cutOver.controlTotals));
  const initial = sanctionsFiles(initialList);
  out.set('cut-over/sanctions.csv', initial.primary);
  out.set('cut-over/sanctions-alt.csv', initial.alternateNames);
  out.set('cut-over/sanctions-add.csv', initial.addresses);

  const cashOf = (account: string) => position.cash.get(`${account}/EUR`) ?? 0n;
  const returned: Record<string, string> = {};
  const statementDifferences: object[] = [];
  for (const [index, date] of sampleDays(options.days).entries()) {
    const books = booksOpenOn(date);
    const maker = new TradeMaker(institution, holders, `${seed}:${date}`);
    const first = index === 0;
    const volume = index === 2 ? quietVolume.map((one) => ({ ...one, count: one.count * 2 })) : quietVolume;
    const trades = first
      ? makeDayOneTrades(institution, maker, date, options.scale, sampleVolume)
      : makeQuietTrades(maker, date, options.scale, books, volume);
    const payments = first
      ? makeDayOnePayments(institution, date, options.scale, cashOf, sampleVolume)
      : makeQuietPayments(institution, date, options.scale, books);
    for (const [endToEndId, reason] of payments.returned) returned[endToEndId] = reason;
    if (first) statementDifferences.push(...differencesOf(date, payments));
    writeDay(out, institution, date, books, trades, payments, first);
  }

  const opening = openingMarketBooks(institution, position);
  out.set(
    'market/script.json',
    json({
      zone: frankfurt,
      places: places
        .filter(({ kind }) => kind === 'EXTERNAL')
        .map(({ placeId, bic, depotAccount, cashAccount, calendar }) => ({
          placeId,
          bic,
          depotAccount,
          cashAccount,
          closedOn: closedOn(calendar),
        })),
      agents: nostros.map(({ account, currency, agentBic, statementChannel }) => ({
        account,
        currency,
        bic: agentBic,
        channel: statementChannel,
        closedOn: closedOn({ EUR: 'TARGET', GBP: 'GBLO', JPY: 'JPTO', USD: 'USNY' }[currency] ?? 'TARGET'),
        openingBalance: decimalText(opening.nostros.get(account) ?? 0n, exponentOf(currency)),
      })),
      depots: [...opening.depots].map(([account, held]) => ({
        account,
        holdings: Object.fromEntries(
          [...held].map(([isin, units]) => [
            isin,
            decimalText(units, institution.instruments.find((one) => one.isin === isin)?.quantityScale ?? 0),
          ]),
        ),
      })),
      instruments: Object.fromEntries(
        institution.instruments.map((one) => [
          one.isin,
          {
            quantityScale: one.quantityScale,
            currency: one.currency,
            ...(one.assetClass === 'BOND' ? { isNominal: true } : {}),
          },
        ]),
      ),
      /** The default of every instruction: accepted and matched on receipt, settled in full at these times of its date. */
      settlementTimes: ['13:00', '16:15'],
      outcomes: due.outcomes,
      returnedPayments: returned,
      statements: {
        accounts: ['NOSTRO-EUR', 'NOSTRO-USD', 'NOSTRO-GBP'],
        at: '18:00',
        exceptions: statementExceptions,
      },
      statementDifferences,
      depotDifferences: [
        {
          date: firstDay,
          account: 'DEPOT-T2S',
          isin: shortInstrument(institution).isin,
          kind: 'DELIVERED_BY_MISTAKE',
          quantity: '300',
        },
      ],
    }),
  );
  return out;
}

/** The European share of which the place delivers 300 out of our depot by mistake. */
function shortInstrument({ instruments }: Institution): Institution['instruments'][number] {
  const [, second] = instruments.filter(({ market, assetClass }) => market === 'EU' && assetClass === 'EQUITY');
  if (!second) throw new Error('The plan has no second European share');
  return second;
}

/** Day 1: the EUR statement comes twice, the USD one first with an opening balance that does not continue, GBP an hour late. */
const statementExceptions = [
  { date: firstDay, account: 'NOSTRO-EUR', kind: 'SENT_TWICE', at: '18:05' },
  { date: firstDay, account: 'NOSTRO-USD', kind: 'WRONG_OPENING', by: '100.00', correctedAt: '18:10' },
  { date: firstDay, account: 'NOSTRO-GBP', kind: 'LATE', at: '19:00' },
];

/** Six cash differences that only the agent's statement shows (the seventh, a bulk credit of seven, is no difference). */
function differencesOf(date: PlainDate, payments: DayPayments): object[] {
  const [notExecuted, doubled, valueDate, wrongAmount] = statementCasesOf(payments).map(({ endToEndId }) => endToEndId);
  return [
    { date, account: 'NOSTRO-EUR', kind: 'UNKNOWN_CREDIT', amount: '12500.00' },
    { date, account: 'NOSTRO-EUR', kind: 'FEE', amount: '15.00' },
    { date, account: 'NOSTRO-EUR', kind: 'NOT_EXECUTED', endToEndId: notExecuted },
    { date, account: 'NOSTRO-EUR', kind: 'DOUBLE_DEBIT', endToEndId: doubled },
    { date, account: 'NOSTRO-EUR', kind: 'VALUE_DATE', endToEndId: valueDate, valueDate: addDays(date, 1) },
    { date, account: 'NOSTRO-EUR', kind: 'WRONG_AMOUNT', endToEndId: wrongAmount, amount: '5400.00' },
  ];
}

function writeDay(
  out: Map<string, string>,
  institution: Institution,
  date: PlainDate,
  books: Book[],
  trades: DayTrades,
  payments: DayPayments,
  first: boolean,
): void {
  const folder = `days/${date}`;
  const compact = date.replaceAll('-', '');
  const steps: DayStep[] = [{ at: '07:00', action: 'OPEN', books }];
  const file = (
    at: string,
    kind: 'TRADES' | 'ALLOCATIONS' | 'CONFIRMATIONS' | 'PAYMENTS',
    name: string,
    content: string,
  ) => {
    out.set(`${folder}/${name}`, content);
    steps.push({ at, action: 'FILE', kind, name, file: `${folder}/${name}` });
  };
  const csv = (rows: readonly object[], columns: readonly string[]) =>
    stringify([...rows], { header: true, columns: [...columns] });
  const tradeColumnsOf = Object.keys(trades.fileA[0] ?? {});

  file(
    '09:10',
    'PAYMENTS',
    `payments-${compact}.xml`,
    pain001(payments.file, `NGPAY-${compact}`, instantOf(date, '09:00', frankfurt).toISOString(), date),
  );
  file('09:30', 'TRADES', `trades-a-${compact}.csv`, csv(trades.fileA, tradeColumnsOf));
  file(
    '09:35',
    'ALLOCATIONS',
    `allocations-${compact}.csv`,
    csv(trades.allocations, ['source', 'executionId', 'allocation', 'clientAccount', 'quantity', 'amount']),
  );
  if (payments.releasedEndToEndId)
    steps.push({ at: '09:40', action: 'RELEASE_PAYMENT', endToEndId: payments.releasedEndToEndId });
  file('09:50', 'TRADES', `trades-b-${compact}.csv`, csv(trades.fileB, tradeColumnsOf));
  if (trades.fileBSentTwice)
    steps.push({
      at: '09:55',
      action: 'FILE',
      kind: 'TRADES',
      name: `trades-b-${compact}-resent.csv`,
      file: `${folder}/trades-b-${compact}.csv`,
    });
  out.set(
    `${folder}/payments.json`,
    json({
      byMutation: payments.byMutation.map(wirePayment),
      replays: payments.replays.map(wirePayment),
      reusedKeys: payments.reusedKeys.map(wirePayment),
      late: payments.late.map(wirePayment),
    }),
  );
  const part = (at: string, name: 'byMutation' | 'replays' | 'reusedKeys' | 'late') => {
    if (payments[name].length > 0) steps.push({ at, action: 'PAYMENTS', file: `${folder}/payments.json`, part: name });
  };
  part('10:00', 'byMutation');
  part('10:05', 'replays');
  part('10:06', 'reusedKeys');
  file(
    '10:15',
    'CONFIRMATIONS',
    `confirmations-${compact}.csv`,
    csv(trades.confirmations, [
      'source',
      'executionId',
      'counterparty',
      'isin',
      'quantity',
      'amount',
      'currency',
      'settlementDate',
      'status',
    ]),
  );
  const list = sanctionsFiles(updatedList);
  const listFiles = {
    primary: `${folder}/sanctions-${compact}.csv`,
    alternateNames: `${folder}/sanctions-alt-${compact}.csv`,
    addresses: `${folder}/sanctions-add-${compact}.csv`,
  };
  out.set(listFiles.primary, list.primary);
  out.set(listFiles.alternateNames, list.alternateNames);
  out.set(listFiles.addresses, list.addresses);
  steps.push({ at: '10:40', action: 'SANCTIONS_LIST', name: `sanctions-${compact}.csv`, files: listFiles });
  steps.push(
    { at: '10:45', action: 'PHASE', phase: 'GATE', cycle: 1 },
    { at: '11:00', action: 'PHASE', phase: 'AFFIRM', cycle: 1 },
    { at: '11:15', action: 'PHASE', phase: 'INSTRUCT', cycle: 1 },
    { at: '12:00', action: 'PHASE', phase: 'SETTLE', cycle: 1 },
    { at: '13:00', action: 'ADVANCE_MARKET' },
  );
  if (first) {
    out.set(`${folder}/approvals.json`, json(approvalsOf(institution)));
    steps.push({ at: '14:00', action: 'APPROVALS' });
  }
  steps.push({ at: '16:15', action: 'ADVANCE_MARKET' });
  part('17:00', 'late');
  steps.push(
    { at: '17:30', action: 'PHASE', phase: 'SETTLE', cycle: 2 },
    { at: '18:00', action: 'ADVANCE_MARKET' },
    { at: '18:10', action: 'ADVANCE_MARKET' },
    { at: '18:30', action: 'PHASE', phase: 'CUT_OFF', cycle: 1 },
  );
  if (first) steps.push({ at: '19:00', action: 'ADVANCE_MARKET' });
  steps.push({ at: '19:15', action: 'PHASE', phase: 'FAIL_SNAPSHOT', cycle: 1 });
  // What clients are short of by the statements of the day is covered on it, by two people.
  if (first) steps.push({ at: '19:30', action: 'COVER_SHORTFALLS' });
  steps.push({ at: '20:00', action: 'CLOSE' });
  out.set(`${folder}/script.json`, json({ date, zone: frankfurt, books, steps }));
}

const wirePayment = (payment: SamplePayment) => ({
  ...payment,
  amountMinor: undefined,
  amount: decimalText(payment.amountMinor, exponentOf(payment.currency)),
});

const json = (value: unknown): string =>
  `${JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one), 2)}\n`;

/** What is asked of a second person on day 1, and how it ends; the first is the payment release of 09:40. */
const approvalsOf = (institution: Institution) => {
  const [first, second, third] = institution.counterparties;
  const priced = institution.instruments[0];
  const ssi = (counterparty: Counterparty | undefined) => ({
    ssiId: `${counterparty?.counterpartyId ?? ''}-EU`,
    counterparty: counterparty?.counterpartyId ?? '',
    market: 'EU',
    place: 'T2S',
    agentBic: counterparty?.bic ?? '',
    safekeepingAccount: `NEW${counterparty?.counterpartyId ?? ''}EU`,
    cashAccount: `CASH${counterparty?.counterpartyId ?? ''}EU`,
    validFrom: firstDay,
  });
  const limit = (account: string, overdraftLimit: string) => ({
    account,
    book: 'NGEU',
    currency: 'EUR',
    overdraftLimit,
  });
  return [
    { kind: 'PAYMENT_RELEASE', outcome: 'approved' },
    { kind: 'SSI_CHANGE', outcome: 'approved', ssi: ssi(first) },
    {
      kind: 'PRICE_OVERRIDE',
      outcome: 'approved',
      priceOverride: {
        isin: priced?.isin ?? '',
        priceDate: firstDay,
        price: decimalText((priced?.priceHundredths ?? 0n) + 1n, 2),
        currency: priced?.currency ?? '',
      },
    },
    { kind: 'LIMIT_CHANGE', outcome: 'approved', limit: limit('C000005-CASH', '10000.00') },
    {
      kind: 'MANUAL_REVERSAL',
      outcome: 'approved',
      fee: { account: 'C000006-CASH', book: 'NGEU', currency: 'EUR', amount: '25.00' },
    },
    { kind: 'SSI_CHANGE', outcome: 'rejected', ssi: ssi(second) },
    { kind: 'SSI_CHANGE', outcome: 'expired', ssi: ssi(third) },
    { kind: 'LIMIT_CHANGE', outcome: 'ownApprovalRefused', limit: limit('C000008-CASH', '30000.00') },
    { kind: 'LIMIT_CHANGE', outcome: 'changedPayloadRefused', limit: limit('C000009-CASH', '40000.00') },
  ];
};
