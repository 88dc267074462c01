import { Books, type BooksAt } from './books.js';
import { Inputs, type Line, type OrderedPayment } from './inputs.js';
import { decimalOf, exponentOf, faultsOf, ibanHolds, isHit, unitsAt, wordsOf } from './rules.js';

/** What a day must come to: for each row and part the business references behind it, and the value per currency. */
export interface Expected {
  row: string;
  part: string;
  references: string[];
  /** Currency → decimal text; only where the row states values. */
  values: Record<string, string>;
  /** How many, where the references are not known beforehand. */
  count: number;
}

interface Script {
  places: { placeId: string; depotAccount: string; closedOn: string[] }[];
  agents: { account: string; currency: string; closedOn: string[] }[];
  outcomes: { executionId: string; kind: string; curedOn?: string; partialUnits?: string; amountMinor?: string }[];
  returnedPayments: Record<string, string>;
  statements: { accounts: string[]; exceptions: { date: string; account: string; kind: string }[] };
  statementDifferences: { date: string; account: string; kind: string; amount?: string; endToEndId?: string }[];
  depotDifferences: { date: string; account: string; isin: string; kind: string; quantity: string }[];
}
interface DayScript {
  date: string;
  books: string[];
  steps: {
    action: string;
    kind?: string;
    name?: string;
    file?: string;
    part?: string;
    endToEndId?: string;
    files?: { primary: string; alternateNames: string };
  }[];
}

interface OpenTrade {
  executionId: string;
  book: string;
  place: string;
  settlementDate: string;
  currency: string;
  amount: string;
  isFree: boolean;
  isCarriedFail: boolean;
  clientAccount: string;
  counterparty: string;
  side: string;
  isin: string;
  quantity: string;
}

/** The business model of the days, day after day. It knows the files and the script, and no line of the product. */
export class Oracle {
  private readonly inputs: Inputs;
  private readonly script: Script;
  private readonly open = new Map<string, OpenTrade>();
  private readonly partlySettled = new Map<string, { quantity: bigint; amount: bigint }>();
  private readonly books: Books;
  /** Held and not released, whenever they were stopped. */
  private readonly held = new Map<string, Set<string>>();
  /** Trades of which a piece, or all, settled on the day being played. */
  private settledToday: OpenTrade[] = [];
  /** Entries that were posted, and reversed by hand with a second person's yes. */
  private reversalsByHand = 0;
  /** Execution id of a block → into how many client accounts it goes. */
  private readonly allocations = new Map<string, number>();
  private readonly openItems = new Map<string, Set<string>>();
  /** Open until they are put right. */
  private readonly missingPieces = new Map<string, bigint>();
  private readonly missingMoney = new Map<string, bigint>();
  private readonly lateFromYesterday: OrderedPayment[] = [];
  private readonly seen = new Map<string, Line>();
  private listed: string[][];
  private readonly staticPrice: Map<string, string>;
  private readonly instruments: Map<string, Line>;
  private readonly ssis: Set<string>;
  private readonly accounts: Map<string, Line>;
  private readonly cash: Map<string, bigint>;
  private readonly holdings: Map<string, bigint>;

  constructor(directory: string) {
    this.inputs = new Inputs(directory);
    this.script = this.inputs.json('market/script.json') as Script;
    this.listed = this.readList('cut-over/sanctions.csv', 'cut-over/sanctions-alt.csv');
    this.instruments = new Map(this.inputs.csv('cut-over/instruments.csv').map((line) => [line.isin ?? '', line]));
    this.staticPrice = new Map(
      this.inputs.csv('cut-over/prices.csv').map((line) => [line.isin ?? '', line.price ?? '']),
    );
    this.books = new Books(this.inputs, this.instruments);
    this.ssis = new Set(this.inputs.csv('cut-over/ssis.csv').map((line) => `${line.counterpartyId}/${line.market}`));
    this.accounts = new Map(
      this.inputs.csv('cut-over/accounts.csv').map((line) => [`${line.account}/${line.currency}`, line]),
    );
    this.cash = new Map(
      this.inputs
        .csv('cut-over/balances.csv')
        .map((line) => [
          `${line.account}/${line.currency}`,
          unitsAt(line.amount ?? '', exponentOf(line.currency ?? '')) ?? 0n,
        ]),
    );
    this.holdings = new Map(
      this.inputs
        .csv('cut-over/holdings.csv')
        .map((line) => [`${line.account}/${line.isin}`, unitsAt(line.quantity ?? '', 4) ?? 0n]),
    );
    for (const line of this.inputs.csv('cut-over/trades.csv'))
      this.open.set(line.executionId ?? '', this.openTradeOf(line, line.kind === 'FOP', line.state === 'FAILING'));
  }

  /** Plays one day and says what every row must be. Days must be played in order. */
  play(date: string): Expected[] {
    const day = this.inputs.json(`days/${date}/script.json`) as DayScript;
    const expected = new Expectations();
    const partyHits = this.playLists(day);
    this.playTrades(day, expected);
    this.playPayments(day, expected);
    this.playDue(day, partyHits, expected);
    this.playFiles(day, expected);
    this.playApprovals(day, expected);
    this.playShortfalls(day, expected);
    this.playLedger(day, expected);
    for (const [part, references] of this.held)
      for (const reference of references) expected.add('screening', part, reference);
    for (const [part, references] of this.openItems)
      for (const reference of references) expected.add('workItems', part, reference);
    return expected.all();
  }

  /** Names are screened against the list in force when they come: before the day's update, trades and payments. */
  private playLists(day: DayScript): string[] {
    const step = day.steps.find((one) => one.action === 'SANCTIONS_LIST');
    if (!step?.files) return [];
    const updated = this.readList(step.files.primary, step.files.alternateNames);
    const hits = this.inputs.csv('cut-over/parties.csv').filter((line) => isHit(line.name ?? '', updated));
    this.nextList = updated;
    return hits.map((line) => line.partyId ?? '');
  }
  private nextList: string[][] = [];

  private playTrades(day: DayScript, expected: Expectations): void {
    const confirmed = new Set(
      this.stepFiles(day, 'CONFIRMATIONS').flatMap((file) =>
        this.inputs.csv(file).map((line) => line.executionId ?? ''),
      ),
    );
    const taken = new Map<string, Line>();
    const cancelled = new Set<string>();
    for (const step of day.steps.filter((one) => one.action === 'FILE' && one.kind === 'TRADES')) {
      for (const line of this.inputs.csv(step.file ?? '')) {
        const id = line.executionId ?? '';
        const key = `${line.source}/${id}/${line.version}`;
        if (this.seen.has(key)) {
          expected.add('linesRead', 'duplicates', id);
          continue;
        }
        this.seen.set(key, line);
        if (line.action !== 'NEW') {
          expected.add('linesRead', 'amendments', id);
          if (line.action === 'CANCEL') cancelled.add(id);
          taken.set(id, line);
          continue;
        }
        expected.add('newTrades', newTradePart(line), id);
        const faults = faultsOf(line, day.date, (place, on) => this.isClosed(place, on));
        if (faults.length > 0) {
          expected.add('linesRead', 'rejected', id);
          expected.add('rejected', faults.length > 1 ? 'fourFaults' : (faults[0] ?? ''), id);
          continue;
        }
        expected.add('linesRead', 'captured', id);
        taken.set(id, line);
      }
    }
    for (const file of this.stepFiles(day, 'ALLOCATIONS')) {
      for (const { executionId = '' } of this.inputs.csv(file))
        this.allocations.set(executionId, (this.allocations.get(executionId) ?? 0) + 1);
    }
    for (const [id, line] of taken) {
      const part = this.stateAtClose(line, cancelled.has(id), confirmed.has(id));
      expected.add('captured', part, id, line.currency, line.amount);
      if (part === 'ready') this.open.set(id, this.openTradeOf(line, false, false));
      if (part.startsWith('repair') || part === 'unconfirmed') this.item('repairAndUnconfirmed', id);
      if (part === 'held') {
        this.item('held', id);
        this.hold('trades', id);
      }
    }
  }

  private stateAtClose(line: Line, isCancelled: boolean, isConfirmed: boolean): string {
    if (isCancelled) return 'cancelled';
    if (line.counterpartyName && isHit(line.counterpartyName, this.listed)) return 'held';
    const instrument = this.instruments.get(line.isin ?? '');
    if (!instrument) return 'repair.instrument';
    if (line.place !== 'INTERNAL' && !this.ssis.has(`${line.counterparty}/${line.market}`)) return 'repair.ssi';
    const [price, known] = [
      unitsAt(line.price ?? '', 6) ?? 0n,
      unitsAt(this.staticPrice.get(line.isin ?? '') ?? '', 6) ?? 0n,
    ];
    const distance = price > known ? price - known : known - price;
    if (distance * 4n > known) return 'repair.price';
    return isConfirmed ? 'ready' : 'unconfirmed';
  }

  private playPayments(day: DayScript, expected: Expectations): void {
    const carried = this.lateFromYesterday.splice(0);
    const released = new Set(
      day.steps.filter((one) => one.action === 'RELEASE_PAYMENT').map((one) => one.endToEndId ?? ''),
    );
    const inFile = this.stepFiles(day, 'PAYMENTS').flatMap((file) => this.inputs.payments(file));
    const part = (name: string): OrderedPayment[] =>
      day.steps
        .filter((one) => one.action === 'PAYMENTS' && one.part === name)
        .flatMap((one) => (this.inputs.json(one.file ?? '') as Record<string, OrderedPayment[]>)[name] ?? []);
    for (const payment of [...carried, ...inFile, ...part('byMutation')]) {
      const outcome = this.outcomeOfPayment(payment, released);
      expected.add('payments', outcome, payment.endToEndId, payment.currency, payment.amount);
      if (outcome === 'booked')
        this.books.pay(
          this.books.bookOf(payment.debtorAccount),
          payment.currency,
          unitsAt(payment.amount, exponentOf(payment.currency)) ?? 0n,
        );
      if (outcome === 'held') {
        this.item('held', payment.endToEndId);
        this.hold('payments', payment.endToEndId);
      }
    }
    for (const payment of part('late')) {
      expected.add('payments', 'nextDate', payment.endToEndId, payment.currency, payment.amount);
      this.lateFromYesterday.push(payment);
    }
    for (const payment of part('replays')) expected.add('paymentReplays', 'replays', payment.endToEndId);
    for (const payment of part('reusedKeys')) expected.add('paymentReplays', 'keyReused', payment.endToEndId);
  }

  private outcomeOfPayment(payment: OrderedPayment, released: ReadonlySet<string>): string {
    const account = this.accounts.get(`${payment.debtorAccount}/${payment.currency}`);
    const amount = unitsAt(payment.amount, exponentOf(payment.currency)) ?? 0n;
    if (!ibanHolds(payment.creditorIban)) return 'refused.iban';
    if (isHit(payment.creditorName, this.listed) && !released.has(payment.endToEndId)) return 'held';
    if (account?.state === 'CLOSED') return 'refused.closedAccount';
    if (account?.paymentLimit && amount > (unitsAt(account.paymentLimit, exponentOf(payment.currency)) ?? 0n))
      return 'refused.limit';
    // Balances are generous or far exceeded, so the opening one decides.
    if (amount > (this.cash.get(`${payment.debtorAccount}/${payment.currency}`) ?? 0n)) return 'refused.funds';
    return this.script.returnedPayments[payment.endToEndId] ? 'returned' : 'booked';
  }

  private playDue(day: DayScript, partyHits: readonly string[], expected: Expectations): void {
    const heldAccounts = new Set(
      this.inputs
        .csv('cut-over/accounts.csv')
        .filter((line) => partyHits.includes(line.partyId ?? ''))
        .map((line) => (line.account ?? '').replace(/-(CASH|SAFE)$/, '')),
    );
    for (const trade of [...this.open.values()]) {
      if (trade.settlementDate > day.date || !day.books.includes(trade.book)) continue;
      const id = trade.executionId;
      const value = trade.isFree ? undefined : trade.amount;
      expected.add('due', duePart(trade), id, trade.currency, value);
      const outcome = this.outcomeOfDue(trade, day.date, heldAccounts);
      expected.add('dueOutcome', outcome, id, trade.currency, value);
      for (const part of ['failsAndPartials', 'unmatched', 'held']) this.openItems.get(part)?.delete(id);
      if (outcome === 'settled' || (outcome === 'partial' && !this.partlySettled.has(id))) {
        this.settledToday.push(trade);
        this.bookSettlement(trade, outcome === 'partial');
      }
      if (outcome === 'settled') this.open.delete(id);
      else if (outcome === 'heldByCompliance') {
        this.item('held', id);
        this.hold('instructions', id);
      } else if (['noCounterpartyLeg', 'dmon', 'deptOrSafe'].includes(outcome)) this.item('unmatched', id);
      else this.item('failsAndPartials', id);
    }
    this.listed = this.nextList.length > 0 ? this.nextList : this.listed;
  }

  /** In full, in part, or what was left; where a difference is tolerated at the deliverer's amount. Between our clients no code moves. */
  private bookSettlement(trade: OpenTrade, isPartial: boolean): void {
    if (trade.place === 'INTERNAL') return;
    const scripted = this.script.outcomes.find((one) => one.executionId === trade.executionId);
    const [quantity, amount] = [
      this.books.quantityOf(trade.isin, trade.quantity),
      scripted?.kind === 'TOLERANCE'
        ? BigInt(scripted.amountMinor ?? '0')
        : (unitsAt(trade.amount, exponentOf(trade.currency)) ?? 0n),
    ];
    const done = this.partlySettled.get(trade.executionId) ?? { quantity: 0n, amount: 0n };
    const units = BigInt(scripted?.partialUnits ?? '0');
    const piece = isPartial
      ? { quantity: units, amount: (amount * units) / quantity }
      : { quantity: quantity - done.quantity, amount: amount - done.amount };
    if (isPartial) this.partlySettled.set(trade.executionId, piece);
    this.books.settle({ ...trade, isPurchase: trade.side === 'BUY' }, piece.quantity, piece.amount);
  }

  /** The books of the institution at the end of the last day that was played. */
  booksNow(): Record<string, BooksAt> {
    return this.books.at();
  }

  private outcomeOfDue(trade: OpenTrade, date: string, heldAccounts: ReadonlySet<string>): string {
    if (heldAccounts.has(trade.clientAccount) || heldAccounts.has(trade.counterparty)) return 'heldByCompliance';
    if (trade.place === 'INTERNAL') return this.outcomeOfInternal(trade);
    const scripted = this.script.outcomes.find((one) => one.executionId === trade.executionId);
    if (!scripted || scripted.kind === 'TOLERANCE' || (scripted.curedOn !== undefined && scripted.curedOn <= date))
      return 'settled';
    const parts: Record<string, string> = {
      LACK: 'lack',
      CLAC: 'clac',
      MONY: 'mony',
      PRCY: 'counterpartyHold',
      NO_COUNTERPARTY_LEG: 'noCounterpartyLeg',
      DMON: 'dmon',
      SAFE: 'deptOrSafe',
      DEPT: 'deptOrSafe',
      SUSPENDED: 'suspended',
      PARTIAL: 'partial',
    };
    return parts[scripted.kind] ?? 'settled';
  }

  /** Between our own clients the ledger decides: what the seller holds, what the buyer has. */
  private outcomeOfInternal(trade: OpenTrade): string {
    const [buyer, seller] =
      trade.side === 'BUY' ? [trade.clientAccount, trade.counterparty] : [trade.counterparty, trade.clientAccount];
    if ((this.holdings.get(`${seller}-SAFE/${trade.isin}`) ?? 0n) < (unitsAt(trade.quantity, 4) ?? 0n)) return 'lack';
    if (
      (this.cash.get(`${buyer}-CASH/${trade.currency}`) ?? 0n) <
      (unitsAt(trade.amount, exponentOf(trade.currency)) ?? 0n)
    )
      return 'mony';
    return 'settled';
  }

  /** Nine expected files: two of trades, allocations, confirmations, payments, a list, and a statement for each agent that is open. */
  private playFiles(day: DayScript, expected: Expectations): void {
    expected.count(
      'files',
      'onTime',
      day.steps.filter((one) => one.action === 'FILE' && !(one.name ?? '').includes('resent')).length + 1,
    );
    for (const account of this.script.statements.accounts) {
      if (this.script.agents.find((one) => one.account === account)?.closedOn.includes(day.date)) continue;
      const late = this.script.statements.exceptions.some(
        (one) => one.date === day.date && one.account === account && one.kind === 'LATE',
      );
      expected.count('files', late ? 'late' : 'onTime', 1);
    }
  }

  private playApprovals(day: DayScript, expected: Expectations): void {
    const path = `days/${day.date}/approvals.json`;
    if (!this.inputs.has(path)) return;
    for (const { kind, outcome } of this.inputs.json(path) as { kind: string; outcome: string }[]) {
      expected.count('approvals', outcome, 1);
      if (kind === 'MANUAL_REVERSAL' && outcome === 'approved') this.reversalsByHand += 1;
    }
  }

  /**
   * What clients are short of: the pieces that a place gave away by mistake, and the money that an agent took beyond what
   * was ordered. Money that came for nobody known covers nothing, and what was ordered and not executed will still go.
   */
  private playShortfalls(day: DayScript, expected: Expectations): void {
    for (const one of this.script.depotDifferences.filter(({ date }) => date === day.date)) {
      const place = this.script.places.find(({ depotAccount }) => depotAccount === one.account);
      if (!place || this.isClosed(place.placeId, day.date)) continue;
      const units = unitsAt(one.quantity, 0) ?? 0n;
      const missing = (this.missingPieces.get(one.isin) ?? 0n) + (one.kind === 'DELIVERED_BY_MISTAKE' ? units : -units);
      this.missingPieces.set(one.isin, missing);
    }
    const ordered = new Map(
      this.stepFiles(day, 'PAYMENTS')
        .flatMap((file) => this.inputs.payments(file))
        .map(({ endToEndId, amount, currency }) => [endToEndId, unitsAt(amount, exponentOf(currency)) ?? 0n]),
    );
    for (const one of this.script.statementDifferences.filter(({ date }) => date === day.date)) {
      const agent = this.script.agents.find(({ account }) => account === one.account);
      if (!agent || agent.closedOn.includes(day.date)) continue;
      const stated = unitsAt(one.amount ?? '', exponentOf(agent.currency)) ?? 0n;
      const order = ordered.get(one.endToEndId ?? '') ?? 0n;
      const taken =
        { FEE: stated, DOUBLE_DEBIT: order, WRONG_AMOUNT: stated > order ? stated - order : 0n }[one.kind] ?? 0n;
      this.missingMoney.set(agent.currency, (this.missingMoney.get(agent.currency) ?? 0n) + taken);
    }
    for (const [isin, units] of this.missingPieces) {
      if (units <= 0n) continue;
      const { currency = '' } = this.instruments.get(isin) ?? {};
      const price = unitsAt(this.staticPrice.get(isin) ?? '', exponentOf(currency)) ?? 0n;
      expected.add('shortfalls', 'shares', isin, currency, decimalOf(price * units, exponentOf(currency)));
      this.item('shortfalls', isin);
    }
    for (const [currency, minor] of this.missingMoney) {
      if (minor <= 0n) continue;
      expected.add('shortfalls', 'clientMoney', currency, currency, decimalOf(minor, exponentOf(currency)));
      this.item('shortfalls', currency);
    }
  }

  private hold(part: string, reference: string): void {
    this.held.set(part, (this.held.get(part) ?? new Set<string>()).add(reference));
  }

  /**
   * What the ledger must hold of the day: one entry for each settlement, part settlement, payment and return. A
   * delivery against payment has four postings, a free one two; a block has two more for each allocation but its first.
   */
  private playLedger(day: DayScript, expected: Expectations): void {
    const [free, paid] = [
      this.settledToday.filter(({ isFree }) => isFree),
      this.settledToday.filter(({ isFree }) => !isFree),
    ];
    const returned = expected.countOf('payments', 'returned');
    const book = (part: string, entries: number, postings: number) => {
      if (entries > 0) expected.count('entries', part, entries);
      if (postings > 0) expected.count('postings', part, postings);
    };
    const allocated = paid.reduce(
      (sum, { executionId }) => sum + Math.max((this.allocations.get(executionId) ?? 1) - 1, 0),
      0,
    );
    book('tradeSettlement', paid.length, paid.length * 4 + allocated * 2);
    book('freeDelivery', free.length, free.length * 2);
    book(
      'payment',
      expected.countOf('payments', 'booked') + returned,
      2 * (expected.countOf('payments', 'booked') + returned),
    );
    book('paymentReturn', returned, 2 * returned);
    book('transfer', this.reversalsByHand, 2 * this.reversalsByHand);
    book('correction', this.reversalsByHand, 2 * this.reversalsByHand);
    const covered = day.steps.some(({ action }) => action === 'COVER_SHORTFALLS')
      ? this.openItems.get('shortfalls')?.size
      : 0;
    book('shortfallCover', covered ?? 0, 2 * (covered ?? 0));
    this.settledToday = [];
    this.reversalsByHand = 0;
  }

  private item(part: string, reference: string): void {
    const items = this.openItems.get(part) ?? new Set<string>();
    this.openItems.set(part, items.add(reference));
  }

  private stepFiles(day: DayScript, kind: string): string[] {
    return day.steps.filter((one) => one.action === 'FILE' && one.kind === kind).map((one) => one.file ?? '');
  }

  private isClosed(place: string, date: string): boolean {
    const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
    return (
      weekday === 0 ||
      weekday === 6 ||
      (this.script.places.find((one) => one.placeId === place)?.closedOn.includes(date) ?? false)
    );
  }

  private openTradeOf(line: Line, isFree: boolean, isCarriedFail: boolean): OpenTrade {
    return {
      executionId: line.executionId ?? '',
      book: line.market === 'US' ? 'NGUS' : 'NGEU',
      place: line.place ?? '',
      settlementDate: line.settlementDate ?? '',
      currency: line.currency ?? '',
      amount: line.amount ?? '',
      isFree,
      isCarriedFail,
      clientAccount: line.clientAccount ?? '',
      counterparty: line.counterparty ?? '',
      side: line.side ?? '',
      isin: line.isin ?? '',
      quantity: line.quantity ?? '',
    };
  }

  private readList(primary: string, alternateNames: string): string[][] {
    return [
      ...this.inputs.rows(primary).map((row) => row[1] ?? ''),
      ...this.inputs.rows(alternateNames).map((row) => row[3] ?? ''),
    ].map(wordsOf);
  }
}

function newTradePart(line: Line): string {
  return line.assetClass === 'EQUITY'
    ? `equity.${(line.market ?? '').toLowerCase()}`
    : (line.assetClass ?? '').toLowerCase();
}

function duePart(trade: OpenTrade): string {
  if (trade.isCarriedFail) return 'carriedFails';
  if (trade.isFree) return 'freeOfPayment';
  return (
    { T2S: 't2s', DTC: 'dtc', CREST: 'crest', JASDEC: 'jasdec', FUND: 'funds', INTERNAL: 'internal' }[trade.place] ??
    trade.place
  );
}

class Expectations {
  private readonly byKey = new Map<string, Expected>();

  add(row: string, part: string, reference: string, currency?: string, amount?: string): void {
    const one = this.at(row, part);
    one.references.push(reference);
    one.count += 1;
    if (!currency || !amount) return;
    const scale = exponentOf(currency);
    one.values[currency] = decimalOf(
      (unitsAt(one.values[currency] ?? '0', scale) ?? 0n) + (unitsAt(amount, scale) ?? 0n),
      scale,
    );
  }

  count(row: string, part: string, count: number): void {
    this.at(row, part).count += count;
  }

  countOf(row: string, part: string): number {
    return this.byKey.get(`${row}/${part}`)?.count ?? 0;
  }

  all(): Expected[] {
    return [...this.byKey.values()];
  }

  private at(row: string, part: string): Expected {
    const key = `${row}/${part}`;
    const one = this.byKey.get(key) ?? { row, part, references: [], values: {}, count: 0 };
    this.byKey.set(key, one);
    return one;
  }
}
