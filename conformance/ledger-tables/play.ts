import {
  type PostingItem,
  type PostingResult,
  type ResultCode,
  transferOf,
} from '../../apps/accounting/src/journal/posting.js';
import { type Tally } from '../suite.js';
import {
  accountDoesNotApply,
  accountOutcomes,
  assetOf,
  entryKindOf,
  firstOf,
  kindOf,
  type NotApplicable,
  numberOf,
  refusals,
  transferDoesNotApply,
  usesUpItsId,
} from './correspondence.js';
import { dated, firstDay, holdIdOf, type LedgerUnderTest } from './ledger.js';
import { type AccountRow, type Step, type TransferRow, unitsOf } from './table.js';

interface Sent {
  readonly row: TransferRow;
  readonly items: readonly PostingItem[];
  readonly notApplicable?: NotApplicable;
}

const largest = 2n ** 128n - 1n;
const never = '9999-12-31T00:00:00Z';

/** Chains: a row with the flag is linked to the one after it. The label is that of the first. */
function chainsOf(rows: readonly { id: string; flags: ReadonlySet<string> }[]): (string | undefined)[] {
  let label: string | undefined;
  return rows.map(({ id, flags }, n) => {
    if (flags.has('LNK')) label ??= `chain-${id}-${n}`;
    const mine = label;
    if (!flags.has('LNK')) label = undefined;
    return mine;
  });
}

/** One table, step by step, in a book of its own. */
export class Play {
  private readonly ledgers = new Map<string, string>();
  private readonly attempts = new Map<string, number>();
  private readonly firstRows = new Map<string, TransferRow>();
  private readonly absent = new Set<string>();
  private readonly expiries = new Map<string, string>();
  private readonly entries = new Map<string, string>();
  private readonly booked: TransferRow[] = [];
  private readonly closers = new Map<string, readonly string[]>();
  private readonly heldNothing = new Set<string>();
  private isBroken = false;

  constructor(
    private readonly ledger: LedgerUnderTest,
    private readonly tally: Tally,
    private readonly skip: (rule: string) => void,
    private readonly file: string,
    private readonly book: string,
  ) {}

  async step(step: Step): Promise<void> {
    switch (step.kind) {
      case 'tick':
        await this.ledger.tick(step.microseconds);
        return;
      case 'setup': {
        const ledger = this.ledgers.get(step.account) ?? 'L1';
        const isSet = await this.ledger.setUp(this.book, numberOf(step.account), assetOf(ledger), step.balances);
        this.isBroken ||= !isSet;
        return;
      }
      case 'accounts':
        await this.accounts(step.rows);
        return;
      case 'transfers':
        await this.transfers(step.rows);
        return;
      case 'lookup_account':
        await this.lookUpAccount(step.words);
        return;
      case 'lookup_transfer':
        await this.lookUpTransfer(step.words);
        return;
      case 'query':
        await this.query(step.of, step.words, step.results);
    }
  }

  private what(text: string): string {
    return `${this.file}: ${text}`;
  }

  private async accounts(rows: readonly AccountRow[]): Promise<void> {
    const chains = chainsOf(rows);
    const broken = this.chainsNotApplicable(rows, chains, accountDoesNotApply);
    const applied = rows.flatMap((row, n) => {
      const rule = accountDoesNotApply(row);
      if (rule?.isApplied === false || (chains[n] !== undefined && broken.has(chains[n]))) return [];
      return [{ row, chain: chains[n], isCounted: rule === undefined }];
    });
    for (const { row, chain, isCounted } of rows.map((row, n) => ({
      row,
      chain: chains[n],
      isCounted: accountDoesNotApply(row) === undefined,
    })))
      if (!isCounted || (chain !== undefined && broken.has(chain)))
        this.skip(accountDoesNotApply(row)?.rule ?? 'linked to a row that does not apply');
    const outcomes = await this.ledger.openEach(
      applied.map(({ row, chain }) => {
        const isCreditNormal = !row.flags.has('C<D');
        const kind = kindOf(row.code);
        return {
          ...this.ledger.accountOf(this.book, numberOf(row.id), {
            ...(kind === undefined ? {} : { kind }),
            currency: assetOf(row.ledger),
            normalSide: isCreditNormal ? 'CREDIT' : 'DEBIT',
            mode: row.flags.has('D<C') || row.flags.has('C<D') ? 'STRICT' : 'ROLLUP',
            state: row.flags.has('CLSD') ? 'CLOSED' : 'OPEN',
          }),
          ...(chain === undefined ? {} : { group: chain }),
        };
      }),
    );
    applied.forEach(({ row, isCounted }, n) => {
      const outcome = outcomes[n]?.outcome;
      if (outcome === 'OPENED') this.ledgers.set(row.id, row.ledger);
      if (isCounted)
        this.tally.equal(this.what(`account ${row.id} ${row.status}`), outcome, accountOutcomes[row.status]);
    });
  }

  /** A chain in which something is to fail that we do not have, and so would not fail with us. */
  private chainsNotApplicable<R extends { status: string }>(
    rows: readonly R[],
    chains: readonly (string | undefined)[],
    rule: (row: R) => NotApplicable | undefined,
  ): Set<string> {
    return new Set(
      rows.flatMap((row, n) => {
        const chain = chains[n];
        return chain !== undefined && row.status !== 'created' && rule(row) ? [chain] : [];
      }),
    );
  }

  private async transfers(rows: readonly TransferRow[]): Promise<void> {
    const chains = chainsOf(rows);
    const rule = (row: TransferRow) =>
      this.isBroken
        ? { rule: 'builds on balances that our ledger does not allow', isApplied: false }
        : transferDoesNotApply(
            row,
            this.firstRows.get(row.id)?.amount,
            (id) => this.absent.has(id) || (id === row.pendingId && this.heldNothing.has(id)),
          );
    const broken = this.chainsNotApplicable(rows, chains, rule);
    const sent: Sent[] = [];
    rows.forEach((row, n) => {
      const chain = chains[n];
      const found: NotApplicable | undefined =
        chain !== undefined && broken.has(chain)
          ? { rule: rule(row)?.rule ?? 'linked to a row that does not apply', isApplied: false }
          : rule(row);
      if (found) this.skip(found.rule);
      if (found?.isApplied === false) {
        if (row.status === 'created') this.absent.add(row.id);
        return;
      }
      sent.push({ row, items: this.itemsOf(row, chain), ...(found ? { notApplicable: found } : {}) });
      if (row.status === 'created' || row.status === 'exists' || usesUpItsId.has(row.status)) {
        if (!this.firstRows.has(row.id)) this.firstRows.set(row.id, row);
      } else if (row.status !== 'id_already_failed' && !row.status.startsWith('exists_'))
        this.attempts.set(row.id, (this.attempts.get(row.id) ?? 0) + 1);
    });
    // What a hold that takes what is there will find is known when it is asked: one that finds nothing has no second phase.
    const endsHere = (one: Sent) => sent.some(({ row }) => row.pendingId === one.row.id && one.row.flags.has('PEN'));
    if (sent.some(endsHere)) {
      const firstPhases = sent.filter(({ row }) => !row.flags.has('POS') && !row.flags.has('VOI'));
      const foreseen = await this.ledger.post(
        firstPhases.flatMap(({ items }) => items),
        true,
      );
      this.each(firstPhases, foreseen, ({ row }, main) => {
        if (main.units === '0') this.heldNothing.add(row.id);
      });
      for (const one of sent.filter(({ row }) => this.heldNothing.has(row.pendingId))) {
        sent.splice(sent.indexOf(one), 1);
        this.skip('a hold that found nothing has no second phase');
      }
    }
    const results = await this.ledger.post(sent.flatMap(({ items }) => items));
    this.each(sent, results, ({ row, notApplicable }, main) => {
      if (main.outcome === 'POSTED' && !main.replayed) {
        if (main.id !== undefined) this.entries.set(main.id, row.id);
        if (main.units === '0') this.heldNothing.add(row.id);
        this.booked.push(row);
      }
      if (!notApplicable) this.judge(row, main);
    });
  }

  private each(
    sent: readonly Sent[],
    results: readonly PostingResult[],
    work: (one: Sent, main: PostingResult) => void,
  ): void {
    let at = 0;
    for (const one of sent) {
      work(one, this.mainOf(results.slice(at, at + one.items.length)));
      at += one.items.length;
    }
  }

  /** Of a row that is several items: its refusal, or what it booked. */
  private mainOf(results: readonly PostingResult[]): PostingResult {
    const refused = results.find(({ outcome, code }) => outcome === 'REFUSED' && code !== 'LINKED_ITEM_REFUSED');
    const main =
      refused ?? results.find(({ outcome }) => outcome === 'REFUSED') ?? results.find(({ id }) => id) ?? results[0];
    if (!main) throw new Error('a row has no result');
    return main;
  }

  private judge(row: TransferRow, result: PostingResult): void {
    const got = `${result.code ?? result.outcome}${result.replayed ? ' again' : ''}`;
    const what = this.what(`transfer ${row.id} ${row.status}`);
    if (row.status === 'created' || row.status === 'exists') {
      this.tally.equal(what, got, row.status === 'created' ? 'POSTED' : 'POSTED again');
    } else if (row.status === 'id_already_failed') {
      // The very same input is told its refusal again, another that the key is used up.
      const isTold = result.outcome === 'REFUSED' && (result.replayed || result.code === 'IDEMPOTENCY_KEY_REUSED');
      this.tally.equal(what, isTold ? 'told' : got, 'told');
    } else this.tally.equal(what, result.code, this.expectedOf(row));
  }

  private expectedOf(row: TransferRow): ResultCode | undefined {
    const expected = refusals[row.status];
    if (expected === undefined || expected === 'IDEMPOTENCY_KEY_REUSED' || expected === 'LINKED_ITEM_REFUSED')
      return expected;
    const faults: ResultCode[] = [expected];
    if (row.flags.has('POS') || row.flags.has('VOI')) return expected;
    if (row.code === 'C0' && !row.flags.has('PEN')) faults.push('MALFORMED_ITEM');
    const opened = [row.debit, row.credit].map((id) => this.ledgers.get(id));
    if (opened.includes(undefined)) faults.push('ACCOUNT_NOT_FOUND');
    if (row.ledger === 'L0') faults.push('ASSET_NOT_FOUND');
    else if (opened.some((ledger) => ledger !== undefined && ledger !== row.ledger)) faults.push('ASSET_MISMATCH');
    return firstOf(faults);
  }

  private key(id: string): string {
    const attempt = this.attempts.get(id) ?? 0;
    return attempt === 0 ? id : `${id}#${attempt}`;
  }

  private itemsOf(row: TransferRow, chain: string | undefined): PostingItem[] {
    const { book } = this;
    const { flags, amount } = row;
    const key = this.key(row.id);
    const [debit, credit] = [numberOf(row.debit), numberOf(row.credit)];
    const closes = [...(flags.has('CDR') ? [debit] : []), ...(flags.has('CCR') ? [credit] : [])];
    const group = chain ?? (closes.length > 0 ? `pair-${key}` : undefined);
    const grouped = group === undefined ? {} : { group };
    const upTo = flags.has('BDR') ? (flags.has('BCR') ? 'BOTH' : 'DEBIT') : flags.has('BCR') ? 'CREDIT' : undefined;
    const swept = upTo === undefined ? {} : ({ upTo } as const);
    const asset = assetOf(row.ledger);
    if (flags.has('POS') || flags.has('VOI')) return this.endOf(row, key, grouped);
    if (!flags.has('PEN')) {
      const postings = transferOf(debit, credit, asset, String(amount));
      return [{ ...dated(key, book, entryKindOf(row.code)), ...grouped, ...swept, op: 'ENTRY', postings }];
    }
    const closings = closes.map((account, n): PostingItem => ({
      op: 'CLOSE',
      key: amount === 0n && n === 0 ? key : `${key}-closes-${n}`,
      book,
      ...grouped,
      close: { account, empty: false },
    }));
    if (closes.length > 0) this.closers.set(row.id, closes);
    if (amount === 0n && upTo === undefined && closes.length > 0) return closings;
    const known = `${row.id} ${row.timeout}`;
    const expiresAt = this.expiries.get(known) ?? (row.timeout === 0 ? never : this.ledger.after(row.timeout));
    this.expiries.set(known, expiresAt);
    const hold = {
      debitAccount: debit,
      creditAccount: credit,
      asset,
      units: String(amount),
      expiresAt,
      reason: entryKindOf(row.code),
    };
    return [{ op: 'HOLD', key, book, ...grouped, ...swept, hold }, ...closings];
  }

  /** The second phase: a capture, which releases the rest, or a release; and what the hold closed is opened again. */
  private endOf(row: TransferRow, key: string, given: { group?: string }): PostingItem[] {
    const { book } = this;
    const first = this.firstRows.get(row.pendingId);
    const closed = this.closers.get(row.pendingId) ?? [];
    const grouped = closed.length > 0 && given.group === undefined ? { group: `pair-${key}` } : given;
    const holdId = holdIdOf(book, this.key(row.pendingId));
    const isOnlyClosing = closed.length > 0 && first?.amount === 0n;
    const isVoid = row.flags.has('VOI');
    const reopens = closed.map((account, n): PostingItem => ({
      op: 'REOPEN',
      key: isVoid && isOnlyClosing && n === 0 ? key : `${key}-opens-${n}`,
      book,
      ...grouped,
      close: { account },
    }));
    if (isVoid && isOnlyClosing) return reopens;
    if (isVoid || row.amount === 0n) {
      const units = row.status === 'exceeds_pending_transfer_amount' ? { units: String(row.amount) } : {};
      return [{ op: 'RELEASE', key, book, ...grouped, hold: { holdId, ...units } }, ...(isVoid ? reopens : [])];
    }
    const all = first?.amount ?? 1n;
    const units = String(row.amount === largest ? all : row.amount);
    const captured: PostingItem = {
      ...dated(key, book, row.code === 'C0' ? 'CAPTURE' : entryKindOf(row.code)),
      ...grouped,
      op: 'CAPTURE',
      hold: { holdId, units, final: true },
    };
    const closesAgain = closed.map((account, n): PostingItem => ({
      op: 'CLOSE',
      key: `${key}-closes-${n}`,
      book,
      ...grouped,
      close: { account, empty: false },
    }));
    return [...reopens, captured, ...closesAgain];
  }

  private async lookUpAccount([id = '', ...words]: readonly string[]): Promise<void> {
    const what = this.what(`account ${id} ${words.join(' ')}`);
    if (this.isBroken) {
      this.skip('builds on balances that our ledger does not allow');
      return;
    }
    const account = await this.ledger.account(this.book, numberOf(id));
    if (words.length === 1) {
      this.tally.equal(what, account === undefined, true);
      return;
    }
    const row = await this.ledger.balanceOf(this.book, numberOf(id));
    const counters = [row?.pendingDebit, row?.postedDebit, row?.pendingCredit, row?.postedCredit];
    this.tally.equal(what, account && [...counters.map((units) => units ?? '0'), account.state], [
      ...words.slice(0, 4).map((word) => String(unitsOf(word))),
      words[4] === 'CLSD' ? 'CLOSED' : 'OPEN',
    ]);
  }

  private async lookUpTransfer([id = '', field = '', value = '']: readonly string[]): Promise<void> {
    if (this.absent.has(id) || this.isBroken) {
      this.skip('builds on a posting of nothing');
      return;
    }
    if (field === 'timestamp') {
      this.skip('timestamps');
      return;
    }
    const keys = [id, ...Array.from({ length: this.attempts.get(id) ?? 0 }, (_, n) => `${id}#${n + 1}`)];
    const effect = await this.ledger.effectOf(this.book, keys);
    const what = this.what(`transfer ${id} ${field} ${value}`);
    if (field === 'exists') this.tally.equal(what, effect !== undefined, value === 'true');
    else this.tally.equal(what, effect === undefined ? undefined : String(effect), String(unitsOf(value)));
  }

  private async query(of: string, words: readonly string[], results: readonly (readonly string[])[]): Promise<void> {
    const rows = Math.max(results.length, 1);
    const skip = (rule: string) => {
      for (let n = 0; n < rows; n += 1) this.skip(rule);
    };
    const judge = (got: readonly (readonly string[])[]) => {
      const expected = results
        .map((row) => row.filter((word) => word !== '_'))
        .filter(([id = '']) => !this.absent.has(id));
      for (let n = expected.length; n < results.length; n += 1) this.skip('builds on a posting of nothing');
      const shared = Math.max(expected.length, results.length === 0 ? 1 : 0);
      for (let n = 0; n < Math.max(shared, got.length); n += 1)
        this.tally.equal(this.what(`${of} ${words.join(' ')}, row ${n + 1}`), got[n] ?? null, expected[n] ?? null);
    };
    const isOn = (word: string | undefined) => word !== undefined && word !== '_' && !/^[ULC]0$/.test(word);
    if (of === 'get_change_events') {
      skip('the encoding of the feed of changes: ours is the outbox');
      return;
    }
    const [account = '', ...filter] = words;
    if (of === 'query_accounts' || of === 'query_transfers') {
      const [userData, ledger, code, from, to, limit, isReversed] = [
        words.slice(0, 3),
        words[3],
        words[4],
        words[5],
        words[6],
        words[7] ?? '',
        words[8] === 'REV',
      ];
      if (userData.some(isOn)) {
        skip('user data');
        return;
      }
      if (of === 'query_transfers' && this.absent.size > 0 && !limit.startsWith('L-')) {
        skip('builds on a posting of nothing');
        return;
      }
      if (limit === 'L0') {
        skip('a page has at least one row');
        return;
      }
      const first = limit.startsWith('L-') ? 1_000 : Number(limit.slice(1));
      const isAccount = of === 'query_accounts';
      if (!isAccount && (from?.startsWith('A') ?? false)) {
        skip('timestamps');
        return;
      }
      if (!isAccount && (to?.startsWith('A') ?? false)) {
        skip('timestamps');
        return;
      }
      const all = isAccount
        ? (await this.ledger.accountsOf(this.book)).map((row) => ({
            id: `A${Number(row.number.slice(1))}`,
            ledger: row.currency,
            code: row.kind,
          }))
        : this.booked.map((row) => ({ id: row.id, ledger: assetOf(row.ledger), code: entryKindOf(row.code) }));
      const order = all.map(({ id }) => id);
      const [low, high] = [
        isOn(from) ? order.indexOf(from ?? '') : 0,
        isOn(to) ? order.indexOf(to ?? '') : order.length,
      ];
      const found = all.filter(
        (row, n) =>
          n >= low &&
          n <= high &&
          (!isOn(ledger) || row.ledger === assetOf(ledger ?? '')) &&
          (!isOn(code) || row.code === (isAccount ? kindOf(code ?? '') : entryKindOf(code ?? ''))),
      );
      if (isReversed) found.reverse();
      judge(found.slice(0, first).map(({ id }) => [id]));
      return;
    }
    const [, , , code, from, to, limit = '10', hasDebits, hasCredits, isReversed] = filter;
    if (filter.slice(0, 3).some(isOn)) {
      skip('user data');
      return;
    }
    if (this.absent.size > 0) {
      skip('builds on a posting of nothing');
      return;
    }
    if (limit === '0') {
      skip('a page has at least one row');
      return;
    }
    if (hasDebits !== 'DR' && hasCredits !== 'CR') {
      skip('combinations of flags');
      return;
    }
    if (this.booked.some((row) => row.flags.has('PEN'))) {
      skip('what is pending is listed as holds, not as postings');
      return;
    }
    const asset = assetOf(this.ledgers.get(account) ?? 'L0');
    const lines = await this.ledger.run(async (tx) => {
      const there = await this.ledger.statements.ledgerAccount(tx, this.book, numberOf(account), asset);
      return there ? this.ledger.statements.lines(tx, there.id, firstDay, firstDay, 10_000) : [];
    });
    if (of === 'get_account_balances' && results.length === 0 && lines.length > 0 && !isOn(code) && !isOn(from)) {
      skip('every account has its history');
      return;
    }
    const order = this.booked.map(({ id }) => id);
    let [debits, credits] = [0n, 0n];
    const all = lines.map((line) => {
      const units = BigInt(line.units);
      if (units > 0n) debits += units;
      else credits -= units;
      if (BigInt(line.balanceAfter) !== debits - credits) throw new Error('a running balance does not follow');
      const id = this.entries.get(line.entryId) ?? '';
      return {
        id,
        at: order.indexOf(id),
        units,
        kind: line.kind,
        row: [id, '0', String(debits), '0', String(credits)],
      };
    });
    const found = all.filter(
      ({ at, units, kind }) =>
        (units > 0n ? hasDebits === 'DR' : hasCredits === 'CR') &&
        (!isOn(code) || kind === entryKindOf(code ?? '')) &&
        (!isOn(from) || at >= order.indexOf(from ?? '')) &&
        (!isOn(to) || at <= order.indexOf(to ?? '')),
    );
    if (isReversed === 'REV') found.reverse();
    judge(found.slice(0, Number(limit)).map(({ id, row }) => (of === 'get_account_balances' ? row : [id])));
  }
}
