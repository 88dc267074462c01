import { seededRandom } from '#libs/kernel/index.js';
import { type DueTrade } from './due.js';
import { type Client, type Institution, markets, ordinaryClients } from './institution.js';
import { decimalText } from './new-trades.js';
import { exponentOf } from './trades.js';

type Row = Record<string, string>;
/** The files an institution moves in with: kind → rows, in the order of their columns. */
export type CutOverFiles = Record<string, Row[]>;

export interface Holding {
  client: Client;
  isin: string;
  units: bigint;
}

export interface Position {
  holdings: Holding[];
  /** `C000001-CASH` and currency → minor units. */
  cash: Map<string, bigint>;
}

export const places = [
  {
    placeId: 'T2S',
    kind: 'EXTERNAL',
    bic: 'DAKVDEFFXXX',
    name: 'TARGET2-Securities',
    zone: 'Europe/Berlin',
    calendar: 'T2S',
    dvpCutOff: '16:00',
    fopCutOff: '18:00',
    depotAccount: 'DEPOT-T2S',
    cashAccount: 'NOSTRO-EUR',
    book: 'NGEU',
  },
  {
    placeId: 'DTC',
    kind: 'EXTERNAL',
    bic: 'DTCYUS33XXX',
    name: 'The Depository Trust Company',
    zone: 'America/New_York',
    calendar: 'DTC',
    dvpCutOff: '15:30',
    fopCutOff: '18:00',
    depotAccount: 'DEPOT-DTC',
    cashAccount: 'NOSTRO-USD',
    book: 'NGUS',
  },
  {
    placeId: 'CREST',
    kind: 'EXTERNAL',
    bic: 'CRSTGB22XXX',
    name: 'CREST',
    zone: 'Europe/London',
    calendar: 'CREST',
    dvpCutOff: '14:55',
    fopCutOff: '18:00',
    depotAccount: 'DEPOT-CREST',
    cashAccount: 'NOSTRO-GBP',
    book: 'NGEU',
  },
  {
    placeId: 'JASDEC',
    kind: 'EXTERNAL',
    bic: 'JJSDJPJTXXX',
    name: 'Japan Securities Depository Center, by an agent',
    zone: 'Asia/Tokyo',
    calendar: 'JASDEC',
    dvpCutOff: '14:00',
    fopCutOff: '16:00',
    depotAccount: 'DEPOT-JASDEC',
    cashAccount: 'NOSTRO-JPY',
    book: 'NGEU',
  },
  {
    placeId: 'FUND',
    kind: 'EXTERNAL',
    bic: 'NGFPLULLXXX',
    name: 'Fund platform',
    zone: 'Europe/Luxembourg',
    calendar: 'TARGET',
    dvpCutOff: '14:00',
    fopCutOff: '16:00',
    depotAccount: 'DEPOT-FUND',
    cashAccount: 'NOSTRO-EUR-FUNDS',
    book: 'NGEU',
  },
  {
    placeId: 'INTERNAL',
    kind: 'INTERNAL',
    bic: 'NGATDEFFXXX',
    name: 'Northgate, between its own clients',
    zone: 'Europe/Berlin',
    calendar: 'TARGET',
    dvpCutOff: '18:00',
    fopCutOff: '18:00',
    depotAccount: '',
    cashAccount: '',
    book: '',
  },
];

export const nostros = [
  { account: 'NOSTRO-EUR', book: 'NGEU', currency: 'EUR', agentBic: 'NGAGDEFFXXX', statementChannel: 'AGENT-EUR' },
  {
    account: 'NOSTRO-EUR-FUNDS',
    book: 'NGEU',
    currency: 'EUR',
    agentBic: 'NGAGLULLXXX',
    statementChannel: 'AGENT-FUNDS',
  },
  { account: 'NOSTRO-GBP', book: 'NGEU', currency: 'GBP', agentBic: 'NGAGGB2LXXX', statementChannel: 'AGENT-GBP' },
  { account: 'NOSTRO-JPY', book: 'NGEU', currency: 'JPY', agentBic: 'NGAGJPJTXXX', statementChannel: 'AGENT-JPY' },
  { account: 'NOSTRO-USD', book: 'NGUS', currency: 'USD', agentBic: 'NGAGUS33XXX', statementChannel: 'AGENT-USD' },
];

/** The firm's own capital, on accounts of its own: nothing of it lies with what is the clients'. */
export const ownCapital = [
  { book: 'NGEU', currency: 'EUR', amount: '5000000.00' },
  { book: 'NGUS', currency: 'USD', amount: '5000000.00' },
];

const holdersPerInstrument = 30;

/** Who may sell what: thirty clients hold each instrument, so that no seller runs out by chance. */
export function makeHolders(institution: Institution): Map<string, Client[]> {
  const random = seededRandom('holders');
  return new Map(
    institution.instruments.map((instrument) => {
      const { book, currency } = markets[instrument.market];
      return [
        instrument.isin,
        random.shuffle(ordinaryClients(institution, book, currency)).slice(0, holdersPerInstrument),
      ];
    }),
  );
}

export function makePosition(institution: Institution, holders: ReadonlyMap<string, readonly Client[]>): Position {
  const random = seededRandom('opening');
  const holdings = institution.instruments.flatMap((instrument) =>
    (holders.get(instrument.isin) ?? []).map((client) => ({
      client,
      isin: instrument.isin,
      units:
        instrument.assetClass === 'BOND'
          ? random.bigint(50n, 90n) * 10_000_000n
          : instrument.assetClass === 'FUND'
            ? random.bigint(30_000n, 60_000n) * 10_000n
            : random.bigint(20_000n, 60_000n),
    })),
  );
  const cash = new Map<string, bigint>();
  for (const client of institution.clients) {
    for (const currency of client.currencies) {
      const nothing = client.state === 'CLOSED' || client === institution.penniless;
      const major = random.bigint(3_000_000n, 9_000_000n) * (currency === 'JPY' ? 100n : 1n);
      cash.set(
        `${client.account}-CASH/${currency}`,
        nothing ? 0n : major * 10n ** BigInt(exponentOf(currency)) + (currency === 'JPY' ? 0n : random.bigint(0n, 99n)),
      );
    }
  }
  return { holdings, cash };
}

/** What Northgate has at its agents and custodians: exactly what its clients have with Northgate. */
export function openingMarketBooks(
  institution: Institution,
  position: Position,
): { nostros: Map<string, bigint>; depots: Map<string, Map<string, bigint>> } {
  const byCurrency = new Map<string, bigint>();
  for (const [key, minor] of position.cash) {
    const currency = key.slice(-3);
    byCurrency.set(currency, (byCurrency.get(currency) ?? 0n) + minor);
  }
  const euros = byCurrency.get('EUR') ?? 0n;
  const atFunds = euros / 10n;
  const nostroBalances = new Map<string, bigint>([
    ['NOSTRO-EUR', euros - atFunds],
    ['NOSTRO-EUR-FUNDS', atFunds],
    ['NOSTRO-GBP', byCurrency.get('GBP') ?? 0n],
    ['NOSTRO-JPY', byCurrency.get('JPY') ?? 0n],
    ['NOSTRO-USD', byCurrency.get('USD') ?? 0n],
  ]);
  const depots = new Map<string, Map<string, bigint>>();
  const marketOf = new Map(institution.instruments.map((one) => [one.isin, one.market]));
  for (const { isin, units } of position.holdings) {
    const market = marketOf.get(isin) ?? 'EU';
    const depot = `DEPOT-${markets[market].place}`;
    const held = depots.get(depot) ?? new Map<string, bigint>();
    held.set(isin, (held.get(isin) ?? 0n) + units);
    depots.set(depot, held);
  }
  return { nostros: nostroBalances, depots };
}

export function makeCutOver(
  institution: Institution,
  position: Position,
  dueTrades: readonly DueTrade[],
): { files: CutOverFiles; controlTotals: object } {
  const instrumentOf = new Map(institution.instruments.map((one) => [one.isin, one]));
  const scaleOf = (isin: string) => instrumentOf.get(isin)?.quantityScale ?? 0;
  const opening = openingMarketBooks(institution, position);
  const clientOf = new Map(institution.clients.map((client) => [`${client.account}-CASH`, client]));

  const files: CutOverFiles = {
    parties: [
      {
        partyId: 'PNORTHGATE',
        kind: 'INSTITUTION',
        name: 'Northgate',
        legalForm: 'LEGAL',
        country: 'DE',
        birthDate: '',
        lei: '',
        book: '',
        status: 'ACTIVE',
      },
      ...places
        .filter(({ kind }) => kind === 'EXTERNAL')
        .map(({ placeId, name, zone }) => ({
          partyId: `P${placeId}`,
          kind: 'CUSTODIAN',
          name,
          legalForm: 'LEGAL',
          country: zone.includes('New_York')
            ? 'US'
            : zone.includes('London')
              ? 'GB'
              : zone.includes('Tokyo')
                ? 'JP'
                : 'DE',
          birthDate: '',
          lei: '',
          book: '',
          status: 'ACTIVE',
        })),
      ...institution.counterparties.map((one) => ({
        partyId: one.partyId,
        kind: one.kind === 'CCP' ? 'CCP' : 'COUNTERPARTY',
        name: one.name,
        legalForm: 'LEGAL',
        country: one.country,
        birthDate: '',
        lei: one.lei,
        book: '',
        status: 'ACTIVE',
      })),
      ...institution.clients.map((one) => ({
        partyId: one.partyId,
        kind: 'CLIENT',
        name: one.name,
        legalForm: one.legalForm,
        country: one.country,
        birthDate: one.birthDate,
        lei: one.lei,
        book: one.book,
        status: 'ACTIVE',
      })),
    ],
    places,
    instruments: institution.instruments.map((one) => ({
      isin: one.isin,
      name: one.name,
      assetClass: one.assetClass,
      market: one.market,
      currency: one.currency,
      quantityScale: String(one.quantityScale),
      priceFactor: one.priceFactor,
      cfi: one.cfi,
      place: markets[one.market].place,
      status: one.status,
      tradingCalendar: { EU: 'XETR', US: 'XNYS', UK: 'XLON', JP: 'XTKS', FUND: 'TARGET' }[one.market],
      settlementCycleDays: one.market === 'US' ? '1' : '2',
    })),
    counterparties: institution.counterparties.map((one) => ({
      counterpartyId: one.counterpartyId,
      partyId: one.partyId,
      name: one.name,
      bic: one.bic,
      kind: one.kind,
    })),
    ssis: institution.counterparties
      .filter(({ kind }) => kind === 'STREET')
      .flatMap((one) =>
        (['EU', 'US', 'UK', 'JP', 'FUND'] as const)
          .filter((market) => !(market === 'UK' && one === institution.counterpartyWithoutSsi))
          .map((market) => ({
            ssiId: `${one.counterpartyId}-${market}`,
            counterpartyId: one.counterpartyId,
            market,
            place: markets[market].place,
            agentBic: one.bic,
            safekeepingAccount: `SAFE${one.counterpartyId}${market}`,
            cashAccount: `CASH${one.counterpartyId}${market}`,
            validFrom: '2025-01-01',
          })),
      ),
    prices: institution.instruments.map((one) => ({
      isin: one.isin,
      priceDate: '2026-11-24',
      price: one.market === 'JP' ? String(one.priceHundredths / 100n) : decimalText(one.priceHundredths, 2),
      currency: one.currency,
      source: 'SAMPLE-CLOSE',
    })),
    rates: [
      ['USD', '1.0842'],
      ['GBP', '0.8431'],
      ['JPY', '163.27'],
    ].map(([quote, rate]) => ({
      base: 'EUR',
      quote: quote ?? '',
      rateDate: '2026-11-24',
      rate: rate ?? '',
      source: 'SAMPLE-ECB',
    })),
    accounts: institution.clients.flatMap((client) => [
      ...client.currencies.map((currency) => ({
        account: `${client.account}-CASH`,
        partyId: client.partyId,
        book: client.book,
        kind: 'CLIENT_CASH',
        currency,
        overdraftLimit: currency === 'JPY' ? '0' : '0.00',
        paymentLimit: client === institution.limitedClient && currency === 'EUR' ? '50000.00' : '',
        state: client.state,
        iban: currency === 'EUR' ? client.iban : '',
      })),
      {
        account: `${client.account}-SAFE`,
        partyId: client.partyId,
        book: client.book,
        kind: 'CLIENT_CUSTODY',
        currency: '',
        overdraftLimit: '',
        paymentLimit: '',
        state: client.state,
        iban: '',
      },
    ]),
    nostros: [
      ...nostros.map(({ account, book, currency, agentBic, statementChannel }) => ({
        account,
        book,
        kind: 'NOSTRO',
        currency,
        agentBic,
        statementChannel,
      })),
      ...places
        .filter(({ depotAccount }) => depotAccount)
        .map(({ depotAccount, book, bic }) => ({
          account: depotAccount,
          book,
          kind: 'DEPOT',
          currency: '',
          agentBic: bic,
          statementChannel: '',
        })),
      ...ownCapital.flatMap(({ book, currency }) =>
        [
          { account: `OWN-CASH-${currency}`, kind: 'ASSET' },
          { account: 'CAPITAL', kind: 'EQUITY' },
        ].map(({ account, kind }) => ({ account, book, kind, currency, agentBic: '', statementChannel: '' })),
      ),
      ...['NGEU', 'NGUS'].flatMap((book) =>
        ['SUSPENSE', 'MIGRATION', 'FEES'].map((account) => ({
          account,
          book,
          kind: account,
          currency: '',
          agentBic: '',
          statementChannel: '',
        })),
      ),
    ],
    balances: [
      ...[...position.cash]
        .filter(([, minor]) => minor > 0n)
        .map(([key, minor]) => {
          const [account = '', currency = ''] = key.split('/');
          return {
            account,
            book: clientOf.get(account)?.book ?? '',
            currency,
            amount: decimalText(minor, exponentOf(currency)),
          };
        }),
      ...nostros.map(({ account, book, currency }) => ({
        account,
        book,
        currency,
        amount: decimalText(opening.nostros.get(account) ?? 0n, exponentOf(currency)),
      })),
      ...ownCapital.flatMap(({ book, currency, amount }) =>
        [`OWN-CASH-${currency}`, 'CAPITAL'].map((account) => ({ account, book, currency, amount })),
      ),
    ],
    holdings: [
      ...position.holdings.map(({ client, isin, units }) => ({
        account: `${client.account}-SAFE`,
        book: client.book,
        isin,
        quantity: decimalText(units, scaleOf(isin)),
        lotDate: '2026-01-15',
        lotPrice: lotPrice(instrumentOf.get(isin)?.priceHundredths ?? 0n),
      })),
      ...[...opening.depots].flatMap(([account, held]) =>
        [...held].map(([isin, units]) => ({
          account,
          book: account === 'DEPOT-DTC' ? 'NGUS' : 'NGEU',
          isin,
          quantity: decimalText(units, scaleOf(isin)),
          lotDate: '',
          lotPrice: '',
        })),
      ),
    ],
    holds: [3, 11, 27].map((number, index) => ({
      account: `C${String(number).padStart(6, '0')}-CASH`,
      book: 'NGEU',
      currency: 'EUR',
      amount: `${1 + index}500.00`,
      reason: 'Card authorisation',
      expiresAt: '2026-12-31T22:59:59Z',
    })),
    trades: dueTrades.map((trade) => ({
      source: trade.source,
      executionId: trade.executionId,
      state: trade.state,
      carriedFailSince: trade.carriedFailSince,
      kind: trade.kind,
      tradeDate: trade.tradeDate,
      settlementDate: trade.settlementDate,
      side: trade.side,
      assetClass: trade.assetClass,
      market: trade.market,
      isin: trade.isin,
      quantity: decimalText(trade.quantityUnits, trade.quantityScale),
      price:
        trade.kind === 'FOP'
          ? ''
          : trade.market === 'JP'
            ? String(trade.priceHundredths / 100n)
            : decimalText(trade.priceHundredths, 2),
      currency: trade.currency,
      amount: trade.kind === 'FOP' ? '' : decimalText(trade.amountMinor, exponentOf(trade.currency)),
      clientAccount: trade.clientAccount,
      counterparty: trade.counterparty,
      place: trade.place,
    })),
    breaks: Array.from({ length: 9 }, (_, index) => ({
      breakId: `BRK-${index + 1}`,
      account: index % 3 === 2 ? 'NOSTRO-USD' : 'NOSTRO-EUR',
      valueDate: `2026-11-${String(10 + index).padStart(2, '0')}`,
      currency: index % 3 === 2 ? 'USD' : 'EUR',
      amount: `${120 + 35 * index}.00`,
      description: 'Open item of the former system',
    })),
    'standing-orders': Array.from({ length: 20 }, (_, index) => ({
      orderId: `SO-${index + 1}`,
      account: `C${String(20 + index).padStart(6, '0')}-CASH`,
      creditorIban: institution.clients[index]?.iban ?? '',
      creditorName: 'Own savings',
      currency: 'EUR',
      amount: `${100 + 10 * index}.00`,
      frequency: 'MONTHLY',
      nextDue: '2026-12-01',
    })),
    'accrued-interest': Array.from({ length: 30 }, (_, index) => ({
      account: `C${String(100 + index).padStart(6, '0')}-CASH`,
      currency: 'EUR',
      fromDate: '2026-10-01',
      toDate: '2026-11-24',
      accrued: `${index + 1}.3125`,
    })),
  };
  return { files, controlTotals: controlTotalsOf(files) };
}

const lotPrice = (priceHundredths: bigint) => decimalText((priceHundredths * 92n) / 100n, 2);

/** Rows per file, and the sum per asset of every file that carries amounts or quantities. */
function controlTotalsOf(files: CutOverFiles): object {
  const rows = Object.fromEntries(Object.entries(files).map(([kind, lines]) => [kind, { rows: lines.length }]));
  const total = (lines: Row[], assetColumn: string, valueColumn: string) => {
    const sums = new Map<string, { units: bigint; scale: number }>();
    for (const line of lines) {
      const text = line[valueColumn] ?? '';
      if (!text) continue;
      const scale = text.includes('.') ? text.length - text.indexOf('.') - 1 : 0;
      const asset = line[assetColumn] ?? '';
      const sum = sums.get(asset) ?? { units: 0n, scale };
      sums.set(asset, { units: sum.units + BigInt(text.replace('.', '')), scale });
    }
    return Object.fromEntries([...sums].map(([asset, { units, scale }]) => [asset, decimalText(units, scale)]));
  };
  return {
    files: rows,
    totals: {
      balances: total(files.balances ?? [], 'currency', 'amount'),
      holdings: total(files.holdings ?? [], 'isin', 'quantity'),
      holds: total(files.holds ?? [], 'currency', 'amount'),
      trades: total(files.trades ?? [], 'currency', 'amount'),
    },
  };
}
