import { type PlainDate } from '#libs/calendar/index.js';
import { makeIban } from '#libs/identifiers/index.js';
import { seededRandom } from '#libs/kernel/index.js';
import { create } from 'xmlbuilder2';
import { type Book, type Client, type Institution, ordinaryClients } from './institution.js';
import {
  companyTrades,
  companyWords,
  familyNames,
  givenNames,
  heldPaymentNames,
  nearNames,
  releasedPaymentName,
} from './names.js';
import { decimalText } from './new-trades.js';
import { planted as plantedOf, type SampleVolume } from './volume.js';

export interface SamplePayment {
  endToEndId: string;
  book: Book;
  debtorAccount: string;
  debtorName: string;
  creditorName: string;
  creditorIban: string;
  creditorCountry: string;
  currency: string;
  amountMinor: bigint;
}

export interface DayPayments {
  /** In the customers' pain.001 file. */
  file: SamplePayment[];
  /** By mutation during the day. */
  byMutation: SamplePayment[];
  /** Mutations sent once more, unchanged. */
  replays: SamplePayment[];
  /** A key of `byMutation` with another amount. */
  reusedKeys: SamplePayment[];
  /** By mutation after the cut-off: they carry the next date. */
  late: SamplePayment[];
  /** Sent back by the beneficiary's bank after they were booked: end-to-end id → ISO return reason. */
  returned: Map<string, string>;
  /** The hold that a second person releases at 09:40. */
  releasedEndToEndId: string;
}

const countryOf = { NGEU: ['DE', 'FR', 'NL'], NGUS: ['DE', 'GB'] } as const;

function bban(country: string, serial: number): string {
  const account = String(serial).padStart(10, '0');
  switch (country) {
    case 'DE':
      return `37040044${account}`;
    case 'FR':
      return frenchBban(account);
    case 'NL':
      return `NGNB${dutchAccount(serial)}`;
    default:
      return `NGBK601613${account.slice(2)}`;
  }
}

/** The French account number ends in its own two-digit key (RIB). */
function frenchBban(account: string): string {
  const [bank, branch, number] = ['20041', '01005', account.padStart(11, '0')];
  const key = 97n - ((89n * BigInt(bank) + 15n * BigInt(branch) + 3n * BigInt(number)) % 97n);
  return `${bank}${branch}${number}${String(key).padStart(2, '0')}`;
}

/** A Dutch account number passes the eleven test: the weighted sum of its ten digits is a multiple of 11. */
function dutchAccount(serial: number): string {
  for (let candidate = serial * 10; ; candidate += 1) {
    const digits = String(candidate).padStart(10, '0');
    const sum = Array.from(digits, Number).reduce((total, digit, index) => total + digit * (10 - index), 0);
    if (sum % 11 === 0) return digits;
  }
}

class PaymentMaker {
  private readonly random;
  private serial = 0;
  private readonly clients: Record<string, Client[]>;

  constructor(
    institution: Institution,
    private readonly date: PlainDate,
  ) {
    this.random = seededRandom(`payments:${date}`);
    this.clients = {
      EUR: ordinaryClients(institution, 'NGEU', 'EUR'),
      GBP: ordinaryClients(institution, 'NGEU', 'GBP'),
      USD: ordinaryClients(institution, 'NGUS', 'USD'),
    };
  }

  make(currency: 'EUR' | 'GBP' | 'USD', change: Partial<SamplePayment> & { client?: Client } = {}): SamplePayment {
    this.serial += 1;
    const client = change.client ?? this.random.pick(this.clients[currency] ?? []);
    const country = this.random.pick([...countryOf[client.book]]);
    const creditorName =
      this.random.integer(0, 1) === 0
        ? `${this.random.pick(givenNames)} ${this.random.pick(familyNames)}`
        : `${this.random.pick(companyWords)} ${this.random.pick(companyTrades)}`;
    const made: SamplePayment = {
      endToEndId: `PAY-${this.date.replaceAll('-', '')}-${String(this.serial).padStart(5, '0')}`,
      book: client.book,
      debtorAccount: `${client.account}-CASH`,
      debtorName: client.name,
      creditorName,
      creditorIban: makeIban(country, bban(country, 1_000 + this.serial)),
      creditorCountry: country,
      currency,
      amountMinor: this.random.bigint(2_500n, 900_000n),
    };
    const { client: _client, ...changes } = change;
    return { ...made, ...changes };
  }
}

/** Day 1: 600 payments with everything planted. `scale` multiplies the ordinary ones of the file. */
export function makeDayOnePayments(
  institution: Institution,
  date: PlainDate,
  scale: number,
  cashOf: (account: string) => bigint,
  volume: SampleVolume = 'full',
): DayPayments {
  const isSmall = volume === 'small';
  const plant = (count: number) => plantedOf(volume, count);
  const maker = new PaymentMaker(institution, date);
  const [closedOne, closedTwo] = institution.closedClients;
  const planted = [
    ...heldPaymentNames.slice(0, plant(6)).map((creditorName) => maker.make('EUR', { creditorName })),
    maker.make('EUR', { creditorName: releasedPaymentName }),
    ...Array.from({ length: plant(8) }, () => {
      const payment = maker.make('EUR');
      return { ...payment, amountMinor: cashOf(payment.debtorAccount) * 20n + 100n };
    }),
    maker.make('EUR', { client: closedOne }),
    maker.make('EUR', { client: closedTwo }),
    ...Array.from({ length: plant(3) }, () => {
      const payment = maker.make('EUR');
      return { ...payment, creditorIban: withWrongCheckDigits(payment.creditorIban) };
    }),
    maker.make('EUR', { client: institution.limitedClient, amountMinor: 7_500_000n }),
    ...nearNames.slice(20, 20 + plant(20)).map((creditorName) => maker.make('EUR', { creditorName })),
  ];
  const releasedEndToEndId = planted[plant(6)]?.endToEndId ?? '';
  const toReturn = ['AC04', 'AC01', 'MD07'].map((reason) => ({ payment: maker.make('EUR'), reason }));
  // What the statements of day 1 show differently from what was sent; kept for the reconciliation.
  const statementCases = Array.from({ length: 4 }, (_, index) =>
    maker.make('EUR', index === 3 ? { amountMinor: 450_000n } : {}),
  );
  const ordinary = (isSmall ? 24 : 540 * scale) - planted.length - toReturn.length - statementCases.length;
  const file = [
    ...planted,
    ...toReturn.map(({ payment }) => payment),
    ...statementCases,
    ...Array.from({ length: ordinary }, (_, index) =>
      maker.make(index % 4 === 3 ? 'USD' : index % 25 === 0 ? 'GBP' : 'EUR'),
    ),
  ];
  const byMutation = Array.from({ length: isSmall ? 6 : 54 }, (_, index) =>
    maker.make(index % 5 === 4 ? 'USD' : 'EUR'),
  );
  const late = Array.from({ length: plant(6) }, () => maker.make('EUR'));
  const replays = byMutation.slice(0, isSmall ? 4 : 40);
  const reusedKeys = byMutation
    .slice(replays.length, replays.length + 1)
    .map((payment) => ({ ...payment, amountMinor: payment.amountMinor + 1n }));
  return {
    file,
    byMutation,
    replays,
    reusedKeys,
    late,
    returned: new Map(toReturn.map(({ payment, reason }) => [payment.endToEndId, reason])),
    releasedEndToEndId,
  };
}

/** The payments of day 1 whose statement entries are planted to differ, in the order they were made. */
export const statementCasesOf = (payments: DayPayments): SamplePayment[] => {
  const firstReturned = [...payments.returned.keys()][0];
  const start = payments.file.findIndex(({ endToEndId }) => endToEndId === firstReturned) + payments.returned.size;
  return payments.file.slice(start, start + 4);
};

export function makeQuietPayments(
  institution: Institution,
  date: PlainDate,
  scale: number,
  books: readonly Book[],
): DayPayments {
  const maker = new PaymentMaker(institution, date);
  const file = Array.from({ length: 60 * scale }, (_, index) =>
    maker.make(books.includes('NGUS') && index % 4 === 3 ? 'USD' : 'EUR'),
  );
  return { file, byMutation: [], replays: [], reusedKeys: [], late: [], returned: new Map(), releasedEndToEndId: '' };
}

const withWrongCheckDigits = (iban: string): string =>
  `${iban.slice(0, 2)}${iban.slice(2, 4) === '98' ? '97' : '98'}${iban.slice(4)}`;

/** The customers' order as pain.001.001.09: one payment information block per debtor account and currency. */
export function pain001(
  payments: readonly SamplePayment[],
  messageId: string,
  createdAt: string,
  date: PlainDate,
): string {
  const blocks = new Map<string, SamplePayment[]>();
  for (const payment of payments) {
    const key = `${payment.debtorAccount}/${payment.currency}`;
    blocks.set(key, [...(blocks.get(key) ?? []), payment]);
  }
  const root = create({ version: '1.0', encoding: 'UTF-8' })
    .ele('urn:iso:std:iso:20022:tech:xsd:pain.001.001.09', 'Document')
    .ele('CstmrCdtTrfInitn');
  const header = root.ele('GrpHdr');
  header.ele('MsgId').txt(messageId);
  header.ele('CreDtTm').txt(createdAt);
  header.ele('NbOfTxs').txt(String(payments.length));
  header.ele('InitgPty').ele('Nm').txt('Northgate online banking');
  let number = 0;
  for (const group of blocks.values()) {
    const [first] = group;
    if (!first) continue;
    number += 1;
    const block = root.ele('PmtInf');
    block.ele('PmtInfId').txt(`${messageId}-${number}`);
    block.ele('PmtMtd').txt('TRF');
    block.ele('NbOfTxs').txt(String(group.length));
    block.ele('CtrlSum').txt(
      decimalText(
        group.reduce((sum, { amountMinor }) => sum + amountMinor, 0n),
        2,
      ),
    );
    block.ele('ReqdExctnDt').ele('Dt').txt(date);
    block.ele('Dbtr').ele('Nm').txt(first.debtorName);
    block.ele('DbtrAcct').ele('Id').ele('Othr').ele('Id').txt(first.debtorAccount);
    block
      .ele('DbtrAgt')
      .ele('FinInstnId')
      .ele('BICFI')
      .txt(first.book === 'NGEU' ? 'NGATDEFFXXX' : 'NGATUS33XXX');
    for (const payment of group) {
      const transfer = block.ele('CdtTrfTxInf');
      transfer.ele('PmtId').ele('EndToEndId').txt(payment.endToEndId);
      transfer.ele('Amt').ele('InstdAmt', { Ccy: payment.currency }).txt(decimalText(payment.amountMinor, 2));
      const creditor = transfer.ele('Cdtr');
      creditor.ele('Nm').txt(payment.creditorName);
      creditor.ele('PstlAdr').ele('Ctry').txt(payment.creditorCountry);
      transfer.ele('CdtrAcct').ele('Id').ele('IBAN').txt(payment.creditorIban);
    }
  }
  return root.doc().end({ prettyPrint: true });
}
