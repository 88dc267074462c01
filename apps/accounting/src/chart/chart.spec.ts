import { describe, expect, it } from '@jest/globals';
import { isRefused, type Problem } from '#libs/kernel/index.js';
import { builtInChart } from '../database/built-in-chart-of-20261203.js';
import { readChart, writeChart } from './chart-file.js';
import { type Chart, checkChange, checkChart, type GlAccount } from './chart.js';

const chart = builtInChart as unknown as Chart;
const told = (problems: readonly Problem[]) => problems.map(({ code, path }) => `${code} ${path.join('.')}`);
const placeOf = (code: string) => chart.accounts.findIndex((one) => one.code === code);
const changed = (code: string, change: Partial<GlAccount>): Chart => ({
  ...chart,
  accounts: chart.accounts.map((one) => (one.code === code ? { ...one, ...change } : one)),
});
const added = (...accounts: Partial<GlAccount>[]): Chart => ({
  ...chart,
  accounts: [
    ...chart.accounts,
    ...accounts.map((one) => ({ ...(chart.accounts[placeOf('1310')] as GlAccount), ...one })),
  ],
});
const last = chart.accounts.length;

describe('a chart of accounts', () => {
  it('holds, as a book begins with it', () => {
    expect(checkChart(chart)).toEqual([]);
  });

  it.each<[string, Chart, string[]]>([
    ['a code twice', added({ code: '1320' }), [`DUPLICATE_CODE accounts.${last}.code`]],
    ['a code of small letters', added({ code: 'cash' }), [`CODE_MALFORMED accounts.${last}.code`]],
    ['no name', added({ code: '1350', name: ' ' }), [`NAME_MISSING accounts.${last}.name`]],
    [
      'a heading that is not there',
      added({ code: '1350', parent: '7000' }),
      [`PARENT_NOT_FOUND accounts.${last}.parent`],
    ],
    [
      'what is no heading above it',
      added({ code: '1350', parent: '1310' }),
      [`PARENT_NOT_A_HEADING accounts.${last}.parent`],
    ],
    [
      'a heading of another type',
      added({ code: '1350', parent: '2200' }),
      [`TYPE_DIFFERS_FROM_PARENT accounts.${last}.type`],
    ],
    [
      'a circle',
      added(
        { code: 'A', parent: 'B', role: 'HEADING', lines: {} },
        { code: 'B', parent: 'C', role: 'HEADING', lines: {} },
        { code: 'C', parent: 'A', role: 'HEADING', lines: {} },
      ),
      [
        `CHART_CYCLE accounts.${last}.parent`,
        `CHART_CYCLE accounts.${last + 1}.parent`,
        `CHART_CYCLE accounts.${last + 2}.parent`,
      ],
    ],
    ['a code above itself', changed('1300', { parent: '1300' }), [`CHART_CYCLE accounts.${placeOf('1300')}.parent`]],
    [
      'eleven headings',
      added(
        ...Array.from({ length: 11 }, (_, n) => ({
          code: `H${n}`,
          parent: n === 0 ? '1000' : `H${n - 1}`,
          role: 'HEADING' as const,
          lines: {},
        })),
      ),
      [`CHART_TOO_DEEP accounts.${last + 10}.parent`],
    ],
    [
      'a kind under two codes',
      added({ code: '1350', role: 'CONTROL', kinds: ['NOSTRO'] }),
      [`KIND_TWICE accounts.${last}.kinds`],
    ],
    [
      'a kind under a heading',
      changed('1300', { kinds: ['NOSTRO'] }),
      [`KIND_NOT_CONTROLLED accounts.${placeOf('1300')}.kinds`],
    ],
    ['no code for a kind', changed('1210', { kinds: [] }), ['KIND_MISSING accounts']],
    [
      'no line',
      changed('1310', { lines: { CASH_FLOW: 'O30' } }),
      [`LINE_MISSING accounts.${placeOf('1310')}.FINANCIAL_STATEMENTS`],
    ],
    [
      'a line that is not there',
      changed('1310', { lines: { FINANCIAL_STATEMENTS: 'A99', CASH_FLOW: 'O30' } }),
      [`LINE_NOT_FOUND accounts.${placeOf('1310')}.FINANCIAL_STATEMENTS`],
    ],
    [
      'a line of the result for an asset',
      changed('1310', { lines: { FINANCIAL_STATEMENTS: 'I10', CASH_FLOW: 'O30' } }),
      [`LINE_IN_WRONG_SECTION accounts.${placeOf('1310')}.FINANCIAL_STATEMENTS`],
    ],
    [
      'a line for a heading',
      changed('1300', { lines: { CASH_FLOW: 'O30' } }),
      [`LINE_ON_HEADING accounts.${placeOf('1300')}.CASH_FLOW`],
    ],
    [
      'a return that is not there',
      changed('1310', { lines: { FINANCIAL_STATEMENTS: 'A30', CASH_FLOW: 'O30', OTHER: 'X' } }),
      [`RETURN_NOT_FOUND accounts.${placeOf('1310')}.OTHER`],
    ],
    [
      'what is off the balance sheet, kept by hand',
      added({
        code: '9999',
        type: 'MEMORANDUM',
        parent: '9000',
        lines: { FINANCIAL_STATEMENTS: 'M90', CASH_FLOW: 'M' },
      }),
      [`MEMORANDUM_NOT_DIRECT accounts.${last}.role`],
    ],
  ])('is refused with %s', (_, wrong, problems) => {
    expect(told(checkChart(wrong))).toEqual(problems);
  });

  it('is refused with a line of a return twice, or without a return that our reports are made from', () => {
    const [statements, flow] = chart.returns;
    if (!statements?.lines[0] || !flow) throw new Error('the chart has two returns');
    expect(told(checkChart({ ...chart, returns: [statements] }))).toContain('RETURN_MISSING returns');
    expect(
      told(
        checkChart({ ...chart, returns: [{ ...statements, lines: [...statements.lines, statements.lines[0]] }, flow] }),
      ),
    ).toEqual([`DUPLICATE_LINE returns.0.lines.${statements.lines.length}.code`]);
  });

  it('tells every fault at once', () => {
    expect(told(checkChart(added({ code: 'x', name: '', parent: '2200', lines: {} })))).toEqual([
      `CODE_MALFORMED accounts.${last}.code`,
      `NAME_MISSING accounts.${last}.name`,
      `TYPE_DIFFERS_FROM_PARENT accounts.${last}.type`,
      `LINE_MISSING accounts.${last}.FINANCIAL_STATEMENTS`,
      `LINE_MISSING accounts.${last}.CASH_FLOW`,
    ]);
  });
});

describe('a code that accounts stand under', () => {
  const inUse = [{ code: '1210', type: 'ASSET', normalSide: 'DEBIT', role: 'CONTROL', kinds: ['NOSTRO'] }] as const;
  it('may get another name, heading and line', () => {
    expect(checkChange(changed('1210', { name: 'Nostros', parent: '1000' }), inUse)).toEqual([]);
  });
  it.each<[string, Chart, string]>([
    [
      'does not go',
      { ...chart, accounts: chart.accounts.filter(({ code }) => code !== '1210') },
      'CODE_IN_USE accounts',
    ],
    ['keeps its type', changed('1210', { type: 'LIABILITY' }), `CODE_IN_USE accounts.${placeOf('1210')}.type`],
    ['keeps its side', changed('1210', { normalSide: 'CREDIT' }), `CODE_IN_USE accounts.${placeOf('1210')}.normalSide`],
    [
      'keeps its role',
      changed('1210', { role: 'DIRECT', kinds: ['NOSTRO'] }),
      `CODE_IN_USE accounts.${placeOf('1210')}.role`,
    ],
    ['keeps its kinds', changed('1210', { kinds: [] }), `CODE_IN_USE accounts.${placeOf('1210')}.kinds`],
  ])('%s', (_, next, problem) => {
    expect(told(checkChange(next, inUse))).toEqual([problem]);
  });
});

describe('the files of a chart', () => {
  it('say the same chart again', () => {
    const read = readChart(writeChart(chart));
    expect(isRefused(read) ? read.problems : read.value).toEqual(chart);
  });
  it('are refused with every line that cannot be read', () => {
    const { accounts, returns } = writeChart(chart);
    const read = readChart({
      accounts: accounts.replace('1310,Receivables from trades,ASSET,DEBIT', '1310,Receivables from trades,THING,LEFT'),
      returns: returns.replace(',10\n', ',ten\n'),
    });
    expect(isRefused(read) && told(read.problems)).toEqual([
      'VALUE_UNKNOWN returns.0.position',
      `VALUE_UNKNOWN accounts.${placeOf('1310')}.type`,
      `VALUE_UNKNOWN accounts.${placeOf('1310')}.normalSide`,
    ]);
  });
  it.each<[string, string, string]>([
    ['nothing in it', '', 'FILE_EMPTY accounts'],
    ['columns missing', 'code,name\n1,2\n', 'COLUMN_MISSING accounts'],
    ['a line of another length', 'code,name,type,normalSide,parent,role,kinds\n1,2\n', 'FILE_MALFORMED accounts'],
  ])('are refused with %s', (_, accounts, problem) => {
    const read = readChart({ accounts, returns: writeChart(chart).returns });
    expect(isRefused(read) && told(read.problems)).toEqual([problem]);
  });
});
