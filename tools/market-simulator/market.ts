import {
  acceptedAndMatched,
  acceptedButUnmatched,
  asksToHold,
  cancelled,
  confirmation,
  executed,
  holdingsDocument,
  type Incoming,
  type Instruction,
  type Outgoing,
  type PaymentOrder,
  pending,
  readInstruction,
  readPaymentOrders,
  rejected,
  requestedInstruction,
  returned,
  type StatementEntry,
  statementDocument,
  textAt,
} from './messages.js';
import { isOpen, type MarketScript, type Outcome } from './script.js';
import { exponentOf, textOf, unitsOf } from './units.js';

/** A file to write into a channel's `from` folder. */
export interface OutgoingFile {
  channel: string;
  name: string;
  messages: Outgoing[];
}

interface Pending {
  placeId: string;
  instruction: Instruction;
  quantityUnits: bigint;
  quantityScale: number;
  settledUnits: bigint;
  settledMinor: bigint;
  matched: boolean;
  held: boolean;
  closed: boolean;
  lastReason: string;
}

interface Nostro {
  channel: string;
  bic: string;
  currency: string;
  closedOn: string[];
  balanceMinor: bigint;
  /** Closing balance of the last statement. */
  statedMinor: bigint;
  sequence: number;
  entries: StatementEntry[];
}

const messagesPerFile = 500;

/**
 * The places of settlement, the agents and the counterparties, with books of their own. Everything follows from the
 * script, the messages received and the time advanced to, in that order, so the same journal gives the same answers.
 */
export class Market {
  private readonly instructions = new Map<string, Pending>();
  private readonly nostros = new Map<string, Nostro>();
  private readonly depots = new Map<string, Map<string, bigint>>();
  private readonly outcomes: ReadonlyMap<string, Outcome>;
  private readonly orders = new Map<string, PaymentOrder>();
  private readonly returnsDue: { order: PaymentOrder; account: string; channel: string; reason: string }[] = [];

  constructor(private readonly script: MarketScript) {
    this.outcomes = new Map(script.outcomes.map((one) => [one.executionId, one]));
    for (const agent of script.agents) {
      const balanceMinor = unitsOf(agent.openingBalance, exponentOf(agent.currency));
      this.nostros.set(agent.account, {
        channel: agent.channel,
        bic: agent.bic,
        currency: agent.currency,
        closedOn: agent.closedOn,
        balanceMinor,
        statedMinor: balanceMinor,
        sequence: 0,
        entries: [],
      });
    }
    for (const depot of script.depots) {
      this.depots.set(
        depot.account,
        new Map(Object.entries(depot.holdings).map(([isin, text]) => [isin, unitsOf(text, this.scaleOf(isin))])),
      );
    }
  }

  /** Answers one received file. `date` is the market's current date. */
  receive(channel: string, name: string, messages: readonly Incoming[], date: string): OutgoingFile[] {
    const base = name.replace(/\.xml$/, '');
    const answers = messages.flatMap((message) => this.answer(channel, message, date));
    return answers.length === 0 ? [] : inFiles(channel, `${base}-answer`, answers);
  }

  /** Settles what is due at one of the settlement times of a date. */
  settle(date: string, time: string): OutgoingFile[] {
    const files = this.script.places
      .filter((place) => isOpen(place, date))
      .flatMap((place) => {
        const messages = [...this.instructions.values()]
          .filter(
            (one) =>
              one.placeId === place.placeId &&
              !one.closed &&
              one.matched &&
              !one.held &&
              one.instruction.settlementDate <= date,
          )
          .flatMap((one) => this.attempt(one, place, date, time));
        return inFiles(place.placeId, `settlement-${place.placeId}-${date}-${time.replace(':', '')}`, messages);
      });
    return [...files, ...this.sendBack(date, time)];
  }

  /** The statements that leave at one time of a date: of the depots of the places that are open, and of our accounts. */
  statements(date: string, time: string): OutgoingFile[] {
    const { accounts, at, exceptions } = this.script.statements;
    const ofDepots =
      time === at
        ? this.script.places.filter((place) => isOpen(place, date)).map((place) => this.holdingsOf(place, date))
        : [];
    const ofAccounts = accounts.flatMap((account) => {
      const nostro = this.nostros.get(account);
      if (!nostro || !isOpen(nostro, date)) return [];
      const exception = exceptions.find((one) => one.date === date && one.account === account);
      const file = (suffix: string, shiftMinor = 0n): OutgoingFile => ({
        channel: nostro.channel,
        name: `statement-${account}-${date}${suffix}.xml`,
        messages: [this.closeDay(account, nostro, date, suffix, shiftMinor)],
      });
      switch (exception?.kind) {
        case 'SENT_TWICE':
          return time === at ? [file('')] : time === exception.at ? [file('-again')] : [];
        case 'WRONG_OPENING':
          return time === at
            ? [file('-wrong', unitsOf(exception.by, exponentOf(nostro.currency)))]
            : time === exception.correctedAt
              ? [file('')]
              : [];
        case 'LATE':
          return time === exception.at ? [file('')] : [];
        case undefined:
          return time === at ? [file('')] : [];
      }
    });
    return [...ofDepots, ...ofAccounts];
  }

  /** The end of a day of one depot; told again, as after a restart, it is the same statement of the same number. */
  private holdingsOf(place: MarketScript['places'][number], date: string): OutgoingFile {
    const account = place.depotAccount;
    const held = this.depots.get(account) ?? new Map<string, bigint>();
    this.depots.set(account, held);
    for (const one of this.script.depotDifferences) {
      if (one.date !== date || one.account !== account) continue;
      const units = unitsOf(one.quantity, this.scaleOf(one.isin));
      held.set(one.isin, (held.get(one.isin) ?? 0n) + (one.kind === 'PUT_RIGHT' ? units : -units));
    }
    const number = (this.depotStatements.get(account) ?? 0) + 1;
    this.depotStatements.set(account, number);
    const holdings = [...held]
      .filter(([, units]) => units !== 0n)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([isin, units]) => ({
        isin,
        quantityText: textOf(units, this.scaleOf(isin)),
        isNominal: this.script.instruments[isin]?.isNominal === true,
      }));
    const id = `${account}-${date}`;
    return {
      channel: place.placeId,
      name: `holdings-${account}-${date}.xml`,
      messages: [holdingsDocument({ id, number, account, bic: place.bic, date, holdings })],
    };
  }
  private readonly depotStatements = new Map<string, number>();

  private answer(channel: string, message: Incoming, date: string): Outgoing[] {
    if (message.type.startsWith('sese.023')) return this.receiveInstruction(channel, message);
    if (message.type.startsWith('pain.001')) return this.receivePayments(channel, message, date);
    const one = this.instructions.get(requestedInstruction(message.document));
    if (!one || one.closed) return [];
    const { instructionId } = one.instruction;
    if (message.type.startsWith('sese.020')) {
      one.closed = true;
      return [cancelled(`${instructionId}-CANC`, instructionId)];
    }
    if (message.type.startsWith('sese.030')) {
      one.held = asksToHold(message.document);
      return one.held ? [pending(`${message.id}-PREA`.slice(-35), instructionId, 'PREA')] : [];
    }
    return [];
  }

  private receiveInstruction(placeId: string, message: Incoming): Outgoing[] {
    const instruction = readInstruction(message.document);
    const { instructionId } = instruction;
    if (this.instructions.has(instructionId)) return [];
    const outcome = this.outcomes.get(instruction.executionId);
    const scale = this.scaleOf(instruction.isin);
    const one: Pending = {
      placeId,
      instruction,
      quantityUnits: unitsOf(instruction.quantityText, scale),
      quantityScale: scale,
      settledUnits: 0n,
      settledMinor: 0n,
      matched: true,
      held: false,
      closed: false,
      lastReason: '',
    };
    this.instructions.set(instructionId, one);
    const id = `${instructionId}-S`;
    switch (outcome?.kind) {
      case 'SAFE':
      case 'DEPT':
        one.closed = true;
        one.matched = false;
        return [rejected(id, instructionId, outcome.kind)];
      case 'NO_COUNTERPARTY_LEG':
        one.matched = false;
        return [acceptedButUnmatched(id, instructionId, 'CMIS')];
      case 'DMON':
        one.matched = false;
        return [acceptedButUnmatched(id, instructionId, 'DMON')];
      default:
        return [acceptedAndMatched(id, instructionId)];
    }
  }

  /** One attempt to settle: the whole, a part, or a reason why not. */
  private attempt(one: Pending, place: MarketScript['places'][number], date: string, time: string): Outgoing[] {
    const { instruction } = one;
    const outcome = this.outcomes.get(instruction.executionId);
    const cured = outcome?.curedOn !== undefined && outcome.curedOn <= date;
    const left = one.quantityUnits - one.settledUnits;
    const stamp = `${date.replaceAll('-', '')}${time.replace(':', '')}`;
    const wait = (reason: string): Outgoing[] => {
      const key = `${date}:${reason}`;
      if (one.lastReason === key) return [];
      one.lastReason = key;
      return [
        pending(`${instruction.instructionId.slice(0, 18)}-P${stamp}`.slice(0, 35), instruction.instructionId, reason),
      ];
    };
    if (!cured) {
      switch (outcome?.kind) {
        case 'LACK':
        case 'CLAC':
        case 'MONY':
        case 'PRCY':
          return wait(outcome.kind);
        case 'SUSPENDED':
          return wait('SBLO');
        case 'PARTIAL': {
          if (one.settledUnits > 0n) return wait(instruction.movement === 'RECE' ? 'CLAC' : 'LACK');
          const units = unitsOf(outcome.partialUnits ?? '0', 0);
          const share = (instruction.amountMinor * units) / one.quantityUnits;
          return [this.book(one, place, units, share, date, stamp, 'PAIN')];
        }
        default:
      }
    }
    const amount =
      outcome?.kind === 'TOLERANCE'
        ? unitsOf(outcome.amountMinor ?? '0', 0)
        : instruction.amountMinor - one.settledMinor;
    return [this.book(one, place, left, amount, date, stamp, one.settledUnits > 0n ? 'PARC' : undefined)];
  }

  private book(
    one: Pending,
    place: MarketScript['places'][number],
    units: bigint,
    amountMinor: bigint,
    date: string,
    stamp: string,
    partial?: 'PAIN' | 'PARC',
  ): Outgoing {
    const { instruction } = one;
    one.settledUnits += units;
    one.settledMinor += amountMinor;
    if (one.settledUnits === one.quantityUnits) one.closed = true;
    const receiving = instruction.movement === 'RECE';
    const depot = this.depots.get(place.depotAccount) ?? new Map<string, bigint>();
    this.depots.set(place.depotAccount, depot);
    depot.set(instruction.isin, (depot.get(instruction.isin) ?? 0n) + (receiving ? units : -units));
    const placeReference = `${place.placeId}${stamp}${instruction.instructionId.slice(-12)}`.slice(0, 35);
    if (instruction.payment === 'APMT') {
      this.enter(place.cashAccount, {
        reference: placeReference,
        ownerTransactionId: instruction.instructionId,
        amountMinor: receiving ? -amountMinor : amountMinor,
        bookingDate: date,
        valueDate: date,
        code: ['SECU', 'SETT', 'TRAD'],
        text: `Settlement ${instruction.executionId}`,
      });
    }
    return confirmation(`${instruction.instructionId.slice(0, 18)}-C${stamp}`.slice(0, 35), {
      instruction,
      quantityUnits: units,
      quantityScale: one.quantityScale,
      remainingUnits: one.quantityUnits - one.settledUnits,
      amountMinor,
      date,
      placeReference,
      partial,
    });
  }

  private receivePayments(channel: string, message: Incoming, date: string): Outgoing[] {
    const agent = this.script.agents.find((one) => one.channel === channel);
    const orders = readPaymentOrders(message.document).filter((order) => !this.orders.has(nameOf(order)));
    if (!agent || orders.length === 0) return [];
    for (const order of orders) {
      this.orders.set(nameOf(order), order);
      const difference = this.script.statementDifferences.find(
        (one) => 'endToEndId' in one && one.endToEndId === order.endToEndId,
      );
      if (difference?.kind === 'NOT_EXECUTED') continue;
      const amountMinor =
        difference?.kind === 'WRONG_AMOUNT'
          ? unitsOf(difference.amount, exponentOf(order.currency))
          : order.amountMinor;
      const entry: StatementEntry = {
        reference: `${agent.account}-${this.orders.size}`,
        instructionId: order.instructionId,
        endToEndId: order.endToEndId,
        amountMinor: -amountMinor,
        bookingDate: date,
        valueDate: difference?.kind === 'VALUE_DATE' ? difference.valueDate : date,
        code: ['PMNT', 'ICDT', 'ESCT'],
        text: `Payment ${order.endToEndId}`,
      };
      this.enter(agent.account, entry);
      if (difference?.kind === 'DOUBLE_DEBIT')
        this.enter(agent.account, { ...entry, reference: `${entry.reference}-2` });
      const reason = this.script.returnedPayments[order.endToEndId];
      if (reason) this.returnsDue.push({ order, account: agent.account, channel, reason });
    }
    return [
      executed(
        `${message.id}-R`.slice(-35),
        `${date}T12:00:00Z`,
        textAt(message.document, 'CstmrCdtTrfInitn', 'GrpHdr', 'MsgId'),
        orders,
      ),
    ];
  }

  private sendBack(date: string, time: string): OutgoingFile[] {
    return this.returnsDue.splice(0).map(({ order, account, channel, reason }) => {
      this.enter(account, {
        reference: `RET-${order.endToEndId}`,
        instructionId: order.instructionId,
        endToEndId: order.endToEndId,
        amountMinor: order.amountMinor,
        bookingDate: date,
        valueDate: date,
        code: ['PMNT', 'ICDT', 'RRTN'],
        text: `Return ${reason}`,
      });
      return {
        channel,
        name: `return-${order.endToEndId}.xml`,
        messages: [returned(`RET-${order.endToEndId}`, `${date}T${time}:00Z`, date, order, reason)],
      };
    });
  }

  /** The day's statement; sending it again, or wrong first, does not close the day twice. */
  private closeDay(account: string, nostro: Nostro, date: string, suffix: string, shiftMinor: bigint): Outgoing {
    const wrong = shiftMinor !== 0n;
    const again = suffix === '-again';
    if (!again && !this.differencesEntered.has(`${account}:${date}`)) {
      this.differencesEntered.add(`${account}:${date}`);
      for (const one of this.script.statementDifferences) {
        if (one.date !== date || one.account !== account || !('amount' in one) || 'endToEndId' in one) continue;
        const amount = unitsOf(one.amount, exponentOf(nostro.currency));
        this.enter(account, {
          reference: `${one.kind}-${date}`,
          amountMinor: one.kind === 'FEE' ? -amount : amount,
          bookingDate: date,
          valueDate: date,
          code: one.kind === 'FEE' ? ['PMNT', 'MCOP', 'CHRG'] : ['PMNT', 'RCDT', 'ESCT'],
          text: one.kind === 'FEE' ? 'Account fee' : 'Incoming payment',
        });
      }
    }
    const last = again ? this.lastStatements.get(account) : undefined;
    const statement = last ?? {
      openingMinor: nostro.statedMinor,
      closingMinor: nostro.balanceMinor,
      entries: nostro.entries,
      sequence: nostro.sequence + 1,
    };
    if (!again && !wrong) {
      nostro.statedMinor = nostro.balanceMinor;
      nostro.entries = [];
      nostro.sequence += 1;
      this.lastStatements.set(account, statement);
    }
    return statementDocument({
      id: `${account}-${date}${wrong ? '-W' : ''}`,
      sequence: statement.sequence,
      account,
      currency: nostro.currency,
      bic: nostro.bic,
      date,
      createdAt: `${date}T17:00:00Z`,
      openingMinor: statement.openingMinor + shiftMinor,
      entries: statement.entries,
      closingMinor: statement.closingMinor + shiftMinor,
    });
  }

  private readonly differencesEntered = new Set<string>();
  private readonly lastStatements = new Map<
    string,
    { openingMinor: bigint; closingMinor: bigint; entries: StatementEntry[]; sequence: number }
  >();

  private enter(account: string, entry: StatementEntry): void {
    const nostro = this.nostros.get(account);
    if (!nostro) throw new Error(`The market keeps no account ${account}`);
    nostro.balanceMinor += entry.amountMinor;
    nostro.entries.push(entry);
  }

  private scaleOf(isin: string): number {
    return this.script.instruments[isin]?.quantityScale ?? 0;
  }

  /** The market's own books, for the oracle and for a look. */
  books(): { nostros: Record<string, string>; depots: Record<string, Record<string, string>> } {
    return {
      nostros: Object.fromEntries(
        [...this.nostros].map(([account, one]) => [account, textOf(one.balanceMinor, exponentOf(one.currency))]),
      ),
      depots: Object.fromEntries(
        [...this.depots].map(([account, held]) => [
          account,
          Object.fromEntries([...held].map(([isin, units]) => [isin, textOf(units, this.scaleOf(isin))])),
        ]),
      ),
    };
  }
}

function inFiles(channel: string, base: string, messages: readonly Outgoing[]): OutgoingFile[] {
  const files: OutgoingFile[] = [];
  for (let start = 0; start < messages.length; start += messagesPerFile) {
    files.push({
      channel,
      name: `${base}-${String(start / messagesPerFile + 1).padStart(3, '0')}.xml`,
      messages: messages.slice(start, start + messagesPerFile),
    });
  }
  return files;
}

/** Two customers may call two payments by one end-to-end id; the sender's own id tells them apart. */
const nameOf = (order: PaymentOrder): string => order.instructionId || order.endToEndId;
