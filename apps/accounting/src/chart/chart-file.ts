import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { accepted, type Decision, type Problem, problem, refused } from '#libs/kernel/index.js';
import { accountKinds, type AccountKind } from '../accounts/accounts.js';
import { type Chart, type GlAccount, glRoles, glTypes, type ReturnDefinition } from './chart.js';

/**
 * A chart as two CSV files. `accounts`: one line a code, `code,name,type,normalSide,parent,role,kinds` and one column for
 * each return with the line the code stands on; several kinds are parted by a blank. `returns`: one line a line of a
 * return, `return,title,line,lineTitle,section,position`.
 */
export interface ChartFiles {
  readonly accounts: string;
  readonly returns: string;
}

export const linesMax = 5_000;

const accountColumns = ['code', 'name', 'type', 'normalSide', 'parent', 'role', 'kinds'] as const;
const returnColumns = ['return', 'title', 'line', 'lineTitle', 'section', 'position'] as const;

type Line = Readonly<Record<string, string>>;

export function writeChart({ accounts, returns }: Chart): ChartFiles {
  const names = returns.map(({ code }) => code);
  return {
    accounts: stringify(
      accounts.map((one) => [
        ...[one.code, one.name, one.type, one.normalSide, one.parent ?? '', one.role, one.kinds.join(' ')],
        ...names.map((name) => one.lines[name] ?? ''),
      ]),
      { header: true, columns: [...accountColumns, ...names] },
    ),
    returns: stringify(
      returns.flatMap(({ code, title, lines }) =>
        lines.map((line) => [code, title, line.code, line.title, line.section, String(line.position)]),
      ),
      { header: true, columns: [...returnColumns] },
    ),
  };
}

/** What the files say, or everything in them that cannot be read. Paths: the file, the place of the line after the header, the column. */
export function readChart(files: ChartFiles): Decision<Chart> {
  const problems: Problem[] = [];
  const accountLines = readLines('accounts', files.accounts, accountColumns, problems);
  const returnLines = readLines('returns', files.returns, returnColumns, problems);
  const returns = readReturns(returnLines, problems);
  const accounts = accountLines.map((line, n) => readAccount(line, n, problems));
  return problems.length > 0 ? refused(problems) : accepted({ accounts, returns });
}

function readLines(file: keyof ChartFiles, text: string, columns: readonly string[], problems: Problem[]): Line[] {
  try {
    const lines = parse<Line>(text, { columns: true, bom: true, trim: true, skip_empty_lines: true });
    const header = Object.keys(lines[0] ?? {});
    const missing = columns.filter((column) => !header.includes(column));
    if (lines.length === 0) problems.push(problem('FILE_EMPTY', `${file} has no lines`, [file]));
    else if (missing.length > 0)
      problems.push(problem('COLUMN_MISSING', `${file} has no column ${missing.join(', ')}`, [file]));
    else if (lines.length > linesMax)
      problems.push(problem('TOO_MANY_LINES', `${file} has ${lines.length} lines, of ${linesMax} at most`, [file]));
    else return lines;
  } catch (error) {
    problems.push(problem('FILE_MALFORMED', error instanceof Error ? error.message : String(error), [file]));
  }
  return [];
}

function oneOf<T extends string>(
  names: readonly T[],
  text: string | undefined,
  path: (string | number)[],
  problems: Problem[],
): T {
  const found = names.find((name) => name === text);
  if (found !== undefined) return found;
  problems.push(problem('VALUE_UNKNOWN', `"${text ?? ''}" is none of ${names.join(', ')}`, path));
  return names[0] as T;
}

function readAccount(line: Line, n: number, problems: Problem[]): GlAccount {
  const at = (field: string) => ['accounts', n, field];
  const lines = Object.entries(line).filter(
    ([column, value]) => !(accountColumns as readonly string[]).includes(column) && value !== '',
  );
  return {
    code: line.code ?? '',
    name: line.name ?? '',
    type: oneOf(glTypes, line.type, at('type'), problems),
    normalSide: oneOf(['DEBIT', 'CREDIT'], line.normalSide, at('normalSide'), problems),
    parent: line.parent === undefined || line.parent === '' ? null : line.parent,
    role: oneOf(glRoles, line.role, at('role'), problems),
    kinds: (line.kinds ?? '')
      .split(/\s+/)
      .filter(Boolean)
      .map((kind): AccountKind => oneOf(accountKinds, kind, at('kinds'), problems)),
    lines: Object.fromEntries(lines),
  };
}

function readReturns(lines: readonly Line[], problems: Problem[]): ReturnDefinition[] {
  const found = new Map<string, { code: string; title: string; lines: ReturnDefinition['lines'][number][] }>();
  lines.forEach((line, n) => {
    const { return: code = '', title = '', position = '' } = line;
    if (!/^[A-Z][A-Z0-9_]{1,39}$/.test(code))
      problems.push(problem('VALUE_UNKNOWN', `"${code}" is no name of a return`, ['returns', n, 'return']));
    if (!/^\d{1,6}$/.test(position))
      problems.push(problem('VALUE_UNKNOWN', `"${position}" is no position`, ['returns', n, 'position']));
    for (const column of ['title', 'line', 'lineTitle', 'section'])
      if (!line[column]) problems.push(problem('VALUE_MISSING', `The line has no ${column}`, ['returns', n, column]));
    const one = found.get(code) ?? { code, title, lines: [] };
    one.lines.push({
      code: line.line ?? '',
      title: line.lineTitle ?? '',
      section: line.section ?? '',
      position: Number(position),
    });
    found.set(code, one);
  });
  return [...found.values()];
}
