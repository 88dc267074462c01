import { AuditOwner, AuditTrail } from '#libs/audit/index.js';
import { type Transactions } from '#libs/database/index.js';
import { MessageCatalogue, Outbox } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { BookDaysService } from '../calendars/book-days.service.js';
import { CalendarsRepository } from '../calendars/calendars.repository.js';
import { CalendarsService } from '../calendars/calendars.service.js';
import { DueTimesService } from '../calendars/due-times.service.js';
import { BusinessDayProcessor } from '../files/business-day.processor.js';
import { ExpectedFilesService } from '../files/expected-files.service.js';
import { FileReadersService } from '../files/file-readers.service.js';
import { FilesRepository } from '../files/files.repository.js';
import { FilesService } from '../files/files.service.js';
import { ImportFileProcessor } from '../files/import-file.processor.js';
import { LineReadersService } from '../files/line-readers.service.js';
import { StaticDataRepository } from '../static-data/static-data.repository.js';
import { StaticDataService } from '../static-data/static-data.service.js';
import { AffirmationRepository } from './affirmation.repository.js';
import { AffirmationService } from './affirmation.service.js';
import { ImportedTradesService } from './imported-trades.service.js';
import { ScreeningRepository } from './screening.repository.js';
import { TradeDatesService } from './trade-dates.service.js';
import { type RawTradeLine } from './trade-line.js';
import { TradesRepository } from './trades.repository.js';
import { TradesService } from './trades.service.js';

process.env.MESSAGE_SEAL_KEY ??= Buffer.alloc(32, 7).toString('base64');

/** The services of trade intake, wired by hand, for tests that need no process around them. */
export function intakeForTests() {
  const outbox = new Outbox(new MessageCatalogue(), { ring: () => undefined } as never);
  const audit = new AuditTrail(new AuditOwner('settlement'));
  const workItems = new WorkItems();
  const bookDays = new BookDaysService();
  const staticRepository = new StaticDataRepository();
  const calendarsRepository = new CalendarsRepository();
  const calendars = new CalendarsService(calendarsRepository, workItems, outbox);
  const dueTimes = new DueTimesService(bookDays, calendars);
  const staticData = new StaticDataService(staticRepository, calendars, outbox);
  const tradesRepository = new TradesRepository();
  const affirmation = new AffirmationService(new AffirmationRepository(), staticData, workItems, audit, dueTimes);
  const trades = new TradesService(
    tradesRepository,
    new ScreeningRepository(),
    affirmation,
    staticData,
    bookDays,
    outbox,
    workItems,
    audit,
    dueTimes,
  );
  const tradeDates = new TradeDatesService(audit);
  const imported = new ImportedTradesService(tradesRepository, staticData);
  const expected = new ExpectedFilesService(workItems, dueTimes);
  const readers = new FileReadersService();
  const filesRepository = new FilesRepository();
  const files = new FilesService(filesRepository, readers, bookDays, outbox, audit);
  new LineReadersService(readers, filesRepository, expected, trades, affirmation).onModuleInit();
  const importFile = new ImportFileProcessor(filesRepository, readers, expected);
  const days = new BusinessDayProcessor(bookDays, calendars, expected, trades);
  return {
    outbox,
    audit,
    workItems,
    bookDays,
    calendars,
    dueTimes,
    calendarsRepository,
    staticRepository,
    staticData,
    affirmation,
    tradeDates,
    trades,
    imported,
    expected,
    readers,
    filesRepository,
    files,
    importFile,
    days,
  };
}

/** A job without a queue behind it: steps are plain transactions. */
export const jobForTests = (transactions: Transactions) =>
  ({
    step: <T>(work: Parameters<typeof transactions.run<T>>[0]) => transactions.run(work),
    finish: <T>(work: Parameters<typeof transactions.run<T>>[0]) => transactions.run(work),
    progress: () => undefined,
    checkpoint: () => undefined,
  }) as never;

const always = '1970-01-01';

/** A small market: one share in each place, two counterparties (the second without an SSI in London), some clients. */
export async function seedStaticData(transactions: Transactions): Promise<void> {
  const { staticRepository } = intakeForTests();
  const origin = { source: 'TEST', originId: null };
  const place = (placeId: string, calendarId: string, zone: string, bookId: string, kind = 'EXTERNAL') => ({
    validFrom: always,
    placeId,
    kind,
    bic: null,
    name: placeId,
    zone,
    calendarId,
    dvpCutOff: '16:00',
    fopCutOff: '18:00',
    depotAccount: null,
    cashAccount: null,
    bookId,
  });
  const instrument = (
    isin: string,
    assetClass: string,
    market: string,
    currency: string,
    placeId: string,
    quantityScale = 0,
    priceFactor = '1',
  ) => ({
    validFrom: always,
    isin,
    name: isin,
    assetClass,
    market,
    currency,
    quantityScale,
    priceFactor,
    cfi: null,
    placeId,
    status: 'ACTIVE',
    tradingCalendar: null,
    settlementCycleDays: market === 'US' ? 1 : 2,
  });
  const counterparty = (counterpartyId: string) => ({
    validFrom: always,
    counterpartyId,
    partyId: `P${counterpartyId}`,
    name: counterpartyId,
    bic: 'NGSADEFFXXX',
    kind: 'STREET',
  });
  const ssi = (counterpartyId: string, market: string, placeId: string) => ({
    validFrom: '2025-01-01',
    ssiId: `${counterpartyId}-${market}`,
    counterpartyId,
    market,
    placeId,
    agentBic: 'NGSADEFFXXX',
    safekeepingAccount: `SAFE${market}`,
    cashAccount: null,
  });
  await transactions.run(async (tx) => {
    await staticRepository.saveVersions(
      tx,
      'place',
      [
        place('T2S', 'T2S', 'Europe/Berlin', 'NGEU'),
        place('DTC', 'DTC', 'America/New_York', 'NGUS'),
        place('CREST', 'CREST', 'Europe/London', 'NGEU'),
        place('JASDEC', 'JASDEC', 'Asia/Tokyo', 'NGEU'),
        place('FUND', 'TARGET', 'Europe/Luxembourg', 'NGEU'),
        place('INTERNAL', 'TARGET', 'Europe/Berlin', '*', 'INTERNAL'),
      ],
      origin,
    );
    await staticRepository.saveVersions(
      tx,
      'instrument',
      [
        instrument('DE0007164600', 'EQUITY', 'EU', 'EUR', 'T2S'),
        instrument('US0378331005', 'EQUITY', 'US', 'USD', 'DTC'),
        instrument('GB0002634946', 'EQUITY', 'UK', 'GBP', 'CREST'),
        instrument('JP3633400001', 'EQUITY', 'JP', 'JPY', 'JASDEC'),
        instrument('DE0001102580', 'BOND', 'EU', 'EUR', 'T2S', 2, '0.01'),
      ],
      origin,
    );
    await staticRepository.saveVersions(tx, 'counterparty', [counterparty('NGCP01'), counterparty('NGCP24')], origin);
    await staticRepository.saveVersions(
      tx,
      'ssi',
      [
        ssi('NGCP01', 'EU', 'T2S'),
        ssi('NGCP01', 'US', 'DTC'),
        ssi('NGCP01', 'UK', 'CREST'),
        ssi('NGCP01', 'JP', 'JASDEC'),
        ssi('NGCP24', 'EU', 'T2S'),
      ],
      origin,
    );
    await staticRepository.savePrices(
      tx,
      [
        { isin: 'DE0007164600', priceDate: '2026-11-24', price: '100.00', currency: 'EUR', source: 'CLOSE' },
        { isin: 'US0378331005', priceDate: '2026-11-24', price: '200.00', currency: 'USD', source: 'CLOSE' },
      ],
      null,
    );
    const account = (client: string, bookId: string, currency: string) => [
      {
        validFrom: always,
        account: `${client}-CASH`,
        partyId: `P${client}`,
        bookId,
        kind: 'CLIENT_CASH',
        currency,
        state: 'OPEN',
      },
      {
        validFrom: always,
        account: `${client}-SAFE`,
        partyId: `P${client}`,
        bookId,
        kind: 'CLIENT_CUSTODY',
        currency: null,
        state: 'OPEN',
      },
    ];
    await staticRepository.saveVersions(
      tx,
      'clientAccount',
      [
        ...account('C000001', 'NGEU', 'EUR'),
        ...account('C000002', 'NGEU', 'EUR'),
        ...account('C000003', 'NGEU', 'EUR'),
        ...account('C000801', 'NGUS', 'USD'),
      ],
      origin,
    );
    for (const book of ['NGEU', 'NGUS']) {
      await tx.execute(`INSERT INTO settlement.book_day VALUES ($1, '2026-11-25', 'OPEN', $2) ON CONFLICT DO NOTHING`, [
        book,
        book === 'NGEU' ? '2026-11-26' : '2026-11-27',
      ]);
    }
  });
}

/** A line without a fault; the test changes what it is about. */
export const goodLine = (change: Partial<RawTradeLine> = {}): RawTradeLine => ({
  source: 'OMS-EU',
  executionId: 'X-1',
  version: '1',
  action: 'NEW',
  tradeTime: '2026-11-25T08:00:00Z',
  tradeDate: '2026-11-25',
  settlementDate: '2026-11-27',
  side: 'BUY',
  assetClass: 'EQUITY',
  market: 'EU',
  isin: 'DE0007164600',
  quantity: '10',
  price: '101.50',
  currency: 'EUR',
  amount: '1015.00',
  clientAccount: 'C000001',
  counterparty: 'NGCP01',
  counterpartyName: '',
  place: 'T2S',
  block: '',
  ...change,
});
