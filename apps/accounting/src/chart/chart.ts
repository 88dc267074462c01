import { type Problem, problem } from '#libs/kernel/index.js';
import { type AccountKind, accountKinds, type NormalSide } from '../accounts/accounts.js';

export const glTypes = ['ASSET', 'LIABILITY', 'EQUITY', 'INCOME', 'EXPENSE', 'MEMORANDUM'] as const;
export type GlType = (typeof glTypes)[number];
/** HEADING: has no accounts. CONTROL: its accounts are a sub-ledger, chosen by their kind. DIRECT: one account, numbered as the code. */
export const glRoles = ['HEADING', 'CONTROL', 'DIRECT'] as const;
export type GlRole = (typeof glRoles)[number];

export interface GlAccount {
  readonly code: string;
  readonly name: string;
  readonly type: GlType;
  readonly normalSide: NormalSide;
  /** The heading it stands under; null at the top. */
  readonly parent: string | null;
  readonly role: GlRole;
  /** The kinds of accounts that stand under a control code. */
  readonly kinds: readonly AccountKind[];
  /** Return → the line it stands on. */
  readonly lines: Readonly<Record<string, string>>;
}

export interface ReturnLine {
  readonly code: string;
  readonly title: string;
  readonly section: string;
  /** Lines are told in this order. */
  readonly position: number;
}

/** A statement to owners or to a supervisor: each code with accounts stands on exactly one of its lines. */
export interface ReturnDefinition {
  readonly code: string;
  readonly title: string;
  readonly lines: readonly ReturnLine[];
}

export interface Chart {
  readonly accounts: readonly GlAccount[];
  readonly returns: readonly ReturnDefinition[];
}

/** What accounts stand under a code already: it stays what it is. */
export interface CodeInUse {
  readonly code: string;
  readonly type: GlType;
  readonly normalSide: NormalSide;
  readonly role: GlRole;
  readonly kinds: readonly AccountKind[];
}

/** The two that our own reports are made from; others may stand beside them. */
export const financialStatements = 'FINANCIAL_STATEMENTS';
export const cashFlow = 'CASH_FLOW';

const balanceSections = ['ASSETS', 'LIABILITIES', 'EQUITY'];
const resultSections = ['INCOME', 'EXPENSES'];
/** Return → type → the sections its lines may stand in: a result never stands on the balance sheet. */
const sectionsOf: Readonly<Record<string, Readonly<Record<GlType, readonly string[]>>>> = {
  [financialStatements]: {
    ASSET: balanceSections,
    LIABILITY: balanceSections,
    EQUITY: balanceSections,
    INCOME: resultSections,
    EXPENSE: resultSections,
    MEMORANDUM: ['MEMORANDUM'],
  },
  [cashFlow]: {
    ASSET: ['OPERATING', 'INVESTING', 'FINANCING', 'CASH'],
    LIABILITY: ['OPERATING', 'INVESTING', 'FINANCING', 'CASH'],
    EQUITY: ['OPERATING', 'FINANCING'],
    INCOME: ['OPERATING', 'INVESTING', 'FINANCING'],
    EXPENSE: ['OPERATING', 'INVESTING', 'FINANCING'],
    MEMORANDUM: ['NONE'],
  },
};

const deepest = 10;
/** The database knows the same shape (`gl_account`). */
const codeShape = /^[0-9A-Z][0-9A-Z.-]{0,19}$/;

/**
 * Everything that is wrong with a chart. Paths are `accounts`, the place in the list and the field, or `returns` and the same.
 * Codes: CODE_MALFORMED, NAME_MISSING, DUPLICATE_CODE, PARENT_NOT_FOUND, PARENT_NOT_A_HEADING, TYPE_DIFFERS_FROM_PARENT,
 * CHART_CYCLE, CHART_TOO_DEEP, KIND_NOT_CONTROLLED, KIND_TWICE, KIND_MISSING, MEMORANDUM_NOT_DIRECT, RETURN_MISSING,
 * DUPLICATE_LINE, LINE_MISSING, LINE_NOT_FOUND, LINE_ON_HEADING, LINE_IN_WRONG_SECTION, RETURN_NOT_FOUND.
 */
export function checkChart(chart: Chart): Problem[] {
  return [
    ...codeFaults(chart),
    ...treeFaults(chart),
    ...kindFaults(chart),
    ...returnFaults(chart),
    ...lineFaults(chart),
  ];
}

const at = (n: number, field: string): (string | number)[] => ['accounts', n, field];

function codeFaults({ accounts }: Chart): Problem[] {
  const first = new Map<string, number>();
  return accounts.flatMap(({ code, name, type, role }, n) => {
    const faults: Problem[] = [];
    if (!codeShape.test(code))
      faults.push(
        problem('CODE_MALFORMED', `"${code}" is no code: digits, capitals, dots and dashes, up to 20`, at(n, 'code')),
      );
    if (name.trim() === '') faults.push(problem('NAME_MISSING', `${code} has no name`, at(n, 'name')));
    if (type === 'MEMORANDUM' && role === 'DIRECT')
      faults.push(
        problem('MEMORANDUM_NOT_DIRECT', `${code} is off the balance sheet: it is kept by a sub-ledger`, at(n, 'role')),
      );
    const earlier = first.get(code);
    if (earlier !== undefined)
      faults.push(problem('DUPLICATE_CODE', `${code} stands in place ${earlier + 1} already`, at(n, 'code')));
    else first.set(code, n);
    return faults;
  });
}

function treeFaults({ accounts }: Chart): Problem[] {
  const byCode = new Map(accounts.map((account) => [account.code, account]));
  return accounts.flatMap((account, n) => {
    const { code, parent: parentCode, type } = account;
    if (parentCode === null) return [];
    const parent = byCode.get(parentCode);
    if (!parent)
      return [problem('PARENT_NOT_FOUND', `${code} stands under ${parentCode}, which is not there`, at(n, 'parent'))];
    const faults: Problem[] = [];
    if (parent.role !== 'HEADING')
      faults.push(
        problem('PARENT_NOT_A_HEADING', `${code} stands under ${parentCode}, which is no heading`, at(n, 'parent')),
      );
    if (parent.type !== type)
      faults.push(
        problem('TYPE_DIFFERS_FROM_PARENT', `${code} is ${type}, ${parentCode} is ${parent.type}`, at(n, 'type')),
      );
    const above: string[] = [];
    for (
      let step: GlAccount | undefined = parent;
      step && above.length <= deepest;
      step = byCode.get(step.parent ?? '')
    ) {
      if (step.code === code) {
        faults.push(problem('CHART_CYCLE', [code, ...above, code].join(' under '), at(n, 'parent')));
        return faults;
      }
      // A circle further up is told where it is.
      if (above.includes(step.code)) return faults;
      above.push(step.code);
    }
    if (above.length > deepest)
      faults.push(problem('CHART_TOO_DEEP', `${code} has more than ${deepest} headings above it`, at(n, 'parent')));
    return faults;
  });
}

function kindFaults({ accounts }: Chart): Problem[] {
  const under = new Map<AccountKind, string>();
  const faults = accounts.flatMap(({ code, kinds, role }, n) => {
    if (role !== 'CONTROL')
      return kinds.length > 0
        ? [problem('KIND_NOT_CONTROLLED', `${code} is ${role}: it has no kinds`, at(n, 'kinds'))]
        : [];
    return kinds.flatMap((kind) => {
      const other = under.get(kind);
      if (other !== undefined) return [problem('KIND_TWICE', `${kind} stands under ${other} already`, at(n, 'kinds'))];
      under.set(kind, code);
      return [];
    });
  });
  const missing = accountKinds.filter((kind) => !under.has(kind));
  if (missing.length > 0)
    faults.push(problem('KIND_MISSING', `No control code takes accounts of ${missing.join(', ')}`, ['accounts']));
  return faults;
}

function returnFaults({ returns }: Chart): Problem[] {
  const faults: Problem[] = [];
  for (const needed of [financialStatements, cashFlow])
    if (!returns.some(({ code }) => code === needed))
      faults.push(problem('RETURN_MISSING', `Our own reports are made from ${needed}`, ['returns']));
  returns.forEach(({ code, lines }, r) => {
    const seen = new Set<string>();
    lines.forEach((line, n) => {
      if (seen.has(line.code))
        faults.push(
          problem('DUPLICATE_LINE', `${code} has line ${line.code} twice`, ['returns', r, 'lines', n, 'code']),
        );
      seen.add(line.code);
    });
  });
  return faults;
}

function lineFaults({ accounts, returns }: Chart): Problem[] {
  const known = new Map(returns.map(({ code, lines }) => [code, new Map(lines.map((line) => [line.code, line]))]));
  return accounts.flatMap(({ code, type, role, lines }, n) => {
    const faults: Problem[] = [];
    for (const name of Object.keys(lines))
      if (!known.has(name)) faults.push(problem('RETURN_NOT_FOUND', `There is no return ${name}`, at(n, name)));
    for (const [name, ofReturn] of known) {
      const lineCode = lines[name];
      if (role === 'HEADING') {
        if (lineCode !== undefined)
          faults.push(problem('LINE_ON_HEADING', `${code} is a heading: its accounts stand on lines`, at(n, name)));
        continue;
      }
      if (lineCode === undefined) {
        faults.push(problem('LINE_MISSING', `${code} is on no line of ${name}`, at(n, name)));
        continue;
      }
      const line = ofReturn.get(lineCode);
      const allowed = sectionsOf[name]?.[type];
      if (!line) faults.push(problem('LINE_NOT_FOUND', `${name} has no line ${lineCode}`, at(n, name)));
      else if (allowed && !allowed.includes(line.section))
        faults.push(
          problem(
            'LINE_IN_WRONG_SECTION',
            `${code} is ${type}: its line stands in ${allowed.join(' or ')}, not in ${line.section}`,
            at(n, name),
          ),
        );
    }
    return faults;
  });
}

/** What accounts stand under keeps its code, type, side, role and kinds: their totals are told by it. */
export function checkChange({ accounts }: Chart, inUse: readonly CodeInUse[]): Problem[] {
  const next = new Map(accounts.map((account, n) => [account.code, { account, n }]));
  return inUse.flatMap(({ code, type, normalSide, role, kinds }) => {
    const found = next.get(code);
    if (!found) return [problem('CODE_IN_USE', `Accounts stand under ${code}: it cannot go`, ['accounts'])];
    const { account, n } = found;
    const faults = (['type', 'normalSide', 'role'] as const)
      .filter((field) => account[field] !== { type, normalSide, role }[field])
      .map((field) => problem('CODE_IN_USE', `Accounts stand under ${code}: its ${field} stays`, at(n, field)));
    const gone = kinds.filter((kind) => !account.kinds.includes(kind));
    if (gone.length > 0)
      faults.push(problem('CODE_IN_USE', `Accounts of ${gone.join(', ')} stand under ${code}`, at(n, 'kinds')));
    return faults;
  });
}
