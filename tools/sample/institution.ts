import { makeIban, makeIsin, makeLei } from '#libs/identifiers/index.js';
import { seededRandom } from '#libs/kernel/index.js';
import { companyTrades, companyWords, familyNames, givenNames, legalForms, updatedListClientName } from './names.js';

export type Market = 'EU' | 'US' | 'UK' | 'JP' | 'FUND';
export type AssetClass = 'EQUITY' | 'ETF' | 'BOND' | 'FUND';
export type Book = 'NGEU' | 'NGUS';

/** Everything about a market that a generated trade needs. */
export const markets = {
  EU: { book: 'NGEU', place: 'T2S', currency: 'EUR', calendar: 'T2S' },
  US: { book: 'NGUS', place: 'DTC', currency: 'USD', calendar: 'DTC' },
  UK: { book: 'NGEU', place: 'CREST', currency: 'GBP', calendar: 'CREST' },
  JP: { book: 'NGEU', place: 'JASDEC', currency: 'JPY', calendar: 'JASDEC' },
  FUND: { book: 'NGEU', place: 'FUND', currency: 'EUR', calendar: 'TARGET' },
} as const;

export interface Instrument {
  isin: string;
  name: string;
  assetClass: AssetClass;
  market: Market;
  currency: string;
  quantityScale: number;
  priceFactor: '1' | '0.01';
  cfi: string;
  /** Price in hundredths (bonds: percent of nominal, in hundredths). */
  priceHundredths: bigint;
  status: 'ACTIVE' | 'SUSPENDED';
}

export interface Client {
  account: string;
  partyId: string;
  name: string;
  legalForm: 'NATURAL' | 'LEGAL';
  book: Book;
  country: string;
  birthDate: string;
  lei: string;
  iban: string;
  currencies: string[];
  /** OPEN, or CLOSED for the two whose payments are refused. */
  state: 'OPEN' | 'CLOSED';
}

export interface Counterparty {
  counterpartyId: string;
  partyId: string;
  name: string;
  bic: string;
  kind: 'STREET' | 'CCP';
  lei: string;
  country: string;
}

export interface Institution {
  clients: Client[];
  counterparties: Counterparty[];
  instruments: Instrument[];
  /** Listed at 10:40; has exactly five due trades and nothing else. */
  listedClient: Client;
  closedClients: Client[];
  /** The one whose single payments are limited. */
  limitedClient: Client;
  /** Delivers internally what it does not have. */
  emptyHanded: Client[];
  /** Buys internally what it cannot pay. */
  penniless: Client;
  /** Suspended at the place: three due trades and nothing else. */
  suspendedInstrument: Instrument;
  /** The street counterparty without a settlement instruction for the United Kingdom. */
  counterpartyWithoutSsi: Counterparty;
}

const instrumentPlan: { market: Market; assetClass: AssetClass; count: number; country: string[]; cfi: string }[] = [
  { market: 'EU', assetClass: 'EQUITY', count: 60, country: ['DE', 'FR', 'NL'], cfi: 'ESVUFR' },
  { market: 'US', assetClass: 'EQUITY', count: 60, country: ['US'], cfi: 'ESVUFR' },
  { market: 'UK', assetClass: 'EQUITY', count: 20, country: ['GB'], cfi: 'ESVUFR' },
  { market: 'JP', assetClass: 'EQUITY', count: 10, country: ['JP'], cfi: 'ESVUFR' },
  { market: 'EU', assetClass: 'ETF', count: 20, country: ['IE', 'LU'], cfi: 'CEOGES' },
  { market: 'US', assetClass: 'ETF', count: 20, country: ['US'], cfi: 'CEOGES' },
  { market: 'EU', assetClass: 'BOND', count: 30, country: ['DE', 'FR'], cfi: 'DBFTFB' },
  { market: 'US', assetClass: 'BOND', count: 20, country: ['US'], cfi: 'DBFTFB' },
  { market: 'FUND', assetClass: 'FUND', count: 20, country: ['LU'], cfi: 'CIOGES' },
];

export const euClientCount = 800;
export const usClientCount = 440;

const pad = (value: number, length: number) => String(value).padStart(length, '0');

function makeInstruments(seed: string): Instrument[] {
  const random = seededRandom(`${seed}:instruments`);
  let serial = 0;
  return instrumentPlan.flatMap(({ market, assetClass, count, country, cfi }) =>
    Array.from({ length: count }, (_, index) => {
      serial += 1;
      const word = random.pick(companyWords);
      const suffix = {
        EQUITY: 'ordinary shares',
        ETF: 'index ETF',
        BOND: `${random.integer(1, 5)}.${random.integer(0, 9)}0% ${2028 + random.integer(0, 9)}`,
        FUND: 'fund',
      };
      const bond = assetClass === 'BOND';
      const yen = market === 'JP';
      return {
        isin: makeIsin(`${country[index % country.length] ?? 'DE'}NG${pad(serial, 7)}`),
        name: `${word} ${suffix[assetClass]}`,
        assetClass,
        market,
        currency: markets[market].currency,
        quantityScale: assetClass === 'FUND' ? 4 : bond ? 2 : 0,
        priceFactor: bond ? '0.01' : '1',
        cfi,
        // Yen prices are whole, so that quantity × price has no decimals.
        priceHundredths: bond
          ? random.bigint(9_200n, 10_800n)
          : yen
            ? random.bigint(800n, 6_000n) * 100n
            : random.bigint(900n, 24_000n),
        status: 'ACTIVE' as const,
      };
    }),
  );
}

function makeClients(seed: string): Client[] {
  const random = seededRandom(`${seed}:clients`);
  return Array.from({ length: euClientCount + usClientCount }, (_, index) => {
    const number = index + 1;
    const european = index < euClientCount;
    const legal = random.integer(1, 100) <= 30;
    const country = european ? random.pick(['DE', 'DE', 'DE', 'FR', 'NL', 'AT']) : 'US';
    const form = random.pick([...legalForms[european ? 'EU' : 'US']]);
    const name = legal
      ? `${random.pick(companyWords)} ${random.pick(companyTrades)} ${form}`
      : `${random.pick(givenNames)} ${random.pick(familyNames)}`;
    const currencies = european
      ? ['EUR', ...(number <= 200 ? ['GBP'] : []), ...(number <= 60 ? ['JPY'] : [])]
      : ['USD'];
    return {
      account: `C${pad(number, 6)}`,
      partyId: `P${pad(number, 6)}`,
      name,
      legalForm: legal ? 'LEGAL' : 'NATURAL',
      book: european ? 'NGEU' : 'NGUS',
      country,
      birthDate: legal
        ? ''
        : `${1940 + random.integer(0, 62)}-${pad(random.integer(1, 12), 2)}-${pad(random.integer(1, 28), 2)}`,
      lei: legal ? makeLei(`NGCLIENT00${pad(number, 8)}`) : '',
      iban: european ? makeIban('DE', `50070010${pad(number, 10)}`) : '',
      currencies,
      state: 'OPEN',
    };
  });
}

function makeCounterparties(): Counterparty[] {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWX';
  const street = Array.from({ length: 24 }, (_, index): Counterparty => {
    const letter = letters[index] ?? 'A';
    return {
      counterpartyId: `NGCP${pad(index + 1, 2)}`,
      partyId: `PCP${pad(index + 1, 3)}`,
      name: `${companyWords[index] ?? 'Street'} Securities ${index % 2 === 0 ? 'SE' : 'LLC'}`,
      bic: `NGS${letter}${index % 2 === 0 ? 'DEFF' : 'US33'}XXX`,
      kind: 'STREET',
      lei: makeLei(`NGSTREET00${pad(index + 1, 8)}`),
      country: index % 2 === 0 ? 'DE' : 'US',
    };
  });
  const central = ['Eurocentral Clearing AG', 'Atlantic Clearing Corp.'].map((name, index): Counterparty => ({
    counterpartyId: `NGCCP${index + 1}`,
    partyId: `PCCP${pad(index + 1, 2)}`,
    name,
    bic: index === 0 ? 'NGCCDEFFXXX' : 'NGCCUS33XXX',
    kind: 'CCP',
    lei: makeLei(`NGCCPARTY0${pad(index + 1, 8)}`),
    country: index === 0 ? 'DE' : 'US',
  }));
  return [...street, ...central];
}

/** Northgate: the same for the same seed, whatever the volume. */
export function makeInstitution(seed: string): Institution {
  const clients = makeClients(seed);
  const at = (number: number): Client => {
    const client = clients[number - 1];
    if (!client) throw new Error(`No client ${number}`);
    return client;
  };
  const listedClient = Object.assign(at(777), {
    name: updatedListClientName,
    legalForm: 'NATURAL' as const,
    birthDate: '1961-03-09',
    lei: '',
    country: 'NL',
  });
  const closedClients = [at(791), at(792)].map((client) => Object.assign(client, { state: 'CLOSED' as const }));
  const instruments = makeInstruments(seed);
  const counterparties = makeCounterparties();
  const euEquities = instruments.filter(
    (instrument) => instrument.market === 'EU' && instrument.assetClass === 'EQUITY',
  );
  const suspendedInstrument = euEquities[euEquities.length - 1];
  const counterpartyWithoutSsi = counterparties[23];
  if (!suspendedInstrument || !counterpartyWithoutSsi)
    throw new Error('The plan has no instrument or counterparty to single out');
  return {
    clients,
    counterparties,
    instruments,
    listedClient,
    closedClients,
    limitedClient: at(793),
    emptyHanded: [at(794), at(795)],
    penniless: at(796),
    suspendedInstrument,
    counterpartyWithoutSsi,
  };
}

/** Clients that ordinary trades and payments draw from: none of those singled out. */
export function ordinaryClients(institution: Institution, book: Book, currency: string): Client[] {
  return institution.clients.filter((client) => {
    const number = Number(client.account.slice(1));
    return client.book === book && client.currencies.includes(currency) && !(number >= 770 && number <= 800);
  });
}
