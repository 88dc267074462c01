import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { readPdf, readXlsx } from './for-tests.js';
import {
  grouped,
  renderTable,
  type Row,
  type Rows,
  significantDigits,
  type Table,
  type TableFormat,
  tableFormats,
} from './index.js';

const table: Table = {
  title: 'Trial balance',
  subtitles: ['As known at 2026-11-27 18:00 UTC'],
  book: 'NGEU Northgate Europe',
  date: 'As of 2026-11-27',
  columns: [
    { title: 'Account', kind: 'text' },
    { title: 'Since', kind: 'date' },
    { title: 'Entries', kind: 'integer' },
    { title: 'Balance', kind: 'decimal', decimals: 2 },
    { title: 'Quantity', kind: 'decimal' },
  ],
  notes: ['Amounts in euro; ‡ custody is not in the total.'],
  createdAt: new Date('2026-11-27T18:00:00Z'),
};

const rows: Row[] = [
  { kind: 'heading', cells: ['Assets', null, null, null, null] },
  { depth: 1, cells: ['Nostro «Zürich» – Łódź & Søn', '2026-11-25', '12', '1234567.5', '0.123456'] },
  { depth: 1, cells: ['=HYPERLINK("http://x")', '1899-01-01', '-3', '-0.01', '100'] },
  { depth: 1, cells: ['Big <b>', null, '0', '12345678901234567.89', '-99999999999999'] },
  { depth: 1, cells: ['日本 ₹ € £ ¥ ₺ ₽ ₿', null, null, '0.00', null] },
  { kind: 'total', cells: ['Total', null, '9', '12345678902469135.38', null] },
];

async function bytesOf(format: TableFormat, given: Rows = rows, of: Table = table): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of renderTable(format, of, given)) pieces.push(piece);
  return Buffer.concat(pieces);
}
const formats = Object.keys(tableFormats) as TableFormat[];
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('rules of a table', () => {
  it.each([
    ['0.00', 0],
    ['1234567.50', 8],
    ['-0.0001', 1],
    ['100000000000000000000', 1],
    ['123456789012345.6', 16],
  ])('%s has %s digits that count', (decimal, digits) => {
    expect(significantDigits(decimal)).toBe(digits);
  });

  it.each([
    ['-1234567.50', '-1,234,567.50'],
    ['123', '123'],
    ['-123.4567', '-123.4567'],
    ['1000', '1,000'],
  ])('%s is read as %s', (decimal, read) => {
    expect(grouped(decimal)).toBe(read);
  });

  it.each<[string, Row]>([
    ['has 1 cells', { cells: ['a'] }],
    ['is no date', { cells: ['a', '27.11.2026', null, null, null] }],
    ['is no integer', { cells: ['a', null, '1.5', null, null] }],
    ['is no decimal', { cells: ['a', null, null, '1e3', null] }],
    ['is no decimal', { cells: ['a', null, null, '1.234', null] }], // nothing is rounded
    ['is indented', { depth: -1, cells: ['a', null, null, null, null] }],
  ])('a row that %s is refused by every format', async (message, row) => {
    for (const format of formats) await expect(bytesOf(format, [row])).rejects.toThrow(message);
  });
});

describe.each(formats)('%s', (format) => {
  it('is the same, byte for byte, whenever it is made', async () => {
    const first = await bytesOf(format);
    const zone = process.env['TZ'];
    const now = Date.now;
    try {
      // Another time, elsewhere.
      process.env['TZ'] = 'Pacific/Auckland';
      Date.now = () => now() + 400 * 86_400_000;
      expect(hash(await bytesOf(format))).toBe(hash(first));
    } finally {
      Date.now = now;
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });

  it('is another when one figure is', async () => {
    const changed = rows.map((row, at) => (at === 1 ? { ...row, cells: row.cells.with(3, '1234567.51') } : row));
    expect(hash(await bytesOf(format, changed))).not.toBe(hash(await bytesOf(format)));
  });

  it('takes rows as they come, from a cursor too', async () => {
    async function* cursor() {
      for (const row of rows) yield await Promise.resolve(row);
    }
    expect(hash(await bytesOf(format, cursor()))).toBe(hash(await bytesOf(format)));
  });

  it('of no rows is a table all the same', async () => {
    expect((await bytesOf(format, [])).length).toBeGreaterThan(30);
  });
});

describe('CSV', () => {
  it('is read back cell by cell, and no cell of text is a formula', async () => {
    const read: string[][] = parse(await bytesOf('CSV'));
    expect(read[0]).toEqual(['Row', 'Level', 'Account', 'Since', 'Entries', 'Balance', 'Quantity']);
    expect(read[2]).toEqual([
      'line',
      '1',
      'Nostro «Zürich» – Łódź & Søn',
      '2026-11-25',
      '12',
      '1234567.50',
      '0.123456',
    ]);
    expect(read[3]?.slice(2)).toEqual([`'=HYPERLINK("http://x")`, '1899-01-01', '-3', '-0.01', '100']);
    expect(read[6]).toEqual(['total', '0', 'Total', '', '9', '12345678902469135.38', '']);
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '\r=1', '＝1', '\u00a0=1'])(
    'takes the sting out of %j',
    async (text) => {
      const read: string[][] = parse(await bytesOf('CSV', [{ cells: [text, null, null, null, null] }]));
      expect(read[1]?.[2]).toBe(`'${text}`);
    },
  );

  it('keeps any text and any amount', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.bigInt(), async (text, units) => {
        const read: string[][] = parse(await bytesOf('CSV', [{ cells: [text, null, String(units), null, null] }]));
        expect(read[1]?.[2]?.replace(/^'(?=[\s\u00a0]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/, '')).toBe(text);
        expect(read[1]?.[4]).toBe(String(units));
      }),
      { seed: 1, numRuns: 50 },
    );
  });
});

describe('XLSX', () => {
  it('holds numbers where a spreadsheet keeps every digit, and text elsewhere', async () => {
    const { sheets } = readXlsx(await bytesOf('XLSX'));
    const cells = Object.fromEntries(sheets[0]!.flat().map((cell) => [cell.reference, cell]));
    expect(sheets).toHaveLength(1);
    expect(cells['A1']?.value).toBe('Trial balance');
    expect(cells['A2']?.value).toBe('NGEU Northgate Europe · As of 2026-11-27');
    expect(['A5', 'E5'].map((name) => cells[name]?.value)).toEqual(['Account', 'Quantity']);
    const seen = (name: string) => [cells[name]?.isNumber, cells[name]?.value, cells[name]?.format];
    expect(cells['A7']?.value).toBe('Nostro «Zürich» – Łódź & Søn');
    expect(seen('B7')).toEqual([true, '46351', 'yyyy-mm-dd']); // days since 1899-12-30
    expect(seen('B8')).toEqual([false, '1899-01-01', undefined]);
    expect(seen('C7')).toEqual([true, '12', '#,##0']);
    expect(seen('D7')).toEqual([true, '1234567.50', '#,##0.00']);
    expect(seen('E7')).toEqual([true, '0.123456', '#,##0.000000']);
    expect(seen('A8')).toEqual([false, '=HYPERLINK("http://x")', undefined]);
    expect(seen('D9')).toEqual([false, '12345678901234567.89', undefined]);
    expect(seen('E9')).toEqual([true, '-99999999999999', '#,##0']);
    expect(seen('A9')).toEqual([false, 'Big <b>', undefined]);
    expect(cells['A13']?.value).toBe('Amounts in euro; ‡ custody is not in the total.');
  });

  it('gives back the very decimal that went in, by the float that a spreadsheet makes of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), async (units) => {
        const text = `${units < 0n ? '-' : ''}${String(units < 0n ? -units : units)
          .padStart(3, '0')
          .replace(/(..)$/, '.$1')}`;
        const { sheets } = readXlsx(await bytesOf('XLSX', [{ cells: ['a', null, null, text, null] }]));
        const cell = sheets[0]!.flat().find(({ reference }) => reference === 'D6')!;
        expect(cell.isNumber).toBe(significantDigits(text) <= 15);
        if (cell.isNumber) expect(Number(cell.value).toFixed(2)).toBe(text.replace(/^-(?=0\.00$)/, ''));
        else expect(cell.value).toBe(text);
      }),
      { seed: 2, numRuns: 60 },
    );
  });

  it('carries what XML cannot, and refuses what no cell holds', async () => {
    const odd = 'bell\u0007 _x0041_ \r\n tab\t\ud800!';
    const { parts } = readXlsx(await bytesOf('XLSX', [{ cells: [odd, null, null, null, null] }]));
    expect(parts['xl/worksheets/sheet1.xml']).toContain('>bell_x0007_ _x005F_x0041_ _x000D_\n tab\t\ufffd!</t>');
    await expect(bytesOf('XLSX', [{ cells: ['x'.repeat(32_768), null, null, null, null] }])).rejects.toThrow(
      'holds no',
    );
  });

  it('says when it was made in its properties alone', async () => {
    const { parts } = readXlsx(await bytesOf('XLSX'));
    expect(parts['docProps/core.xml']).toContain('>2026-11-27T18:00:00Z<');
    expect(Object.keys(parts).sort()).toEqual([
      '[Content_Types].xml',
      '_rels/.rels',
      'docProps/core.xml',
      'xl/_rels/workbook.xml.rels',
      'xl/styles.xml',
      'xl/workbook.xml',
      'xl/worksheets/sheet1.xml',
    ]);
  });
});

describe('PDF', () => {
  it('shows every cell, with its accents and currency signs, and names what its font lacks', async () => {
    const { pages } = readPdf(await bytesOf('PDF'));
    expect(pages).toHaveLength(1);
    const [shown] = pages;
    for (const text of [
      'Trial balance',
      'NGEU Northgate Europe · As of 2026-11-27',
      'Nostro «Zürich» – Łódź & Søn',
      '1,234,567.50',
      '12,345,678,901,234,567.89',
      '-99,999,999,999,999',
      'Amounts in euro; ‡ custody is not in the total.',
      'Page 1 of ',
    ])
      expect(shown).toContain(text);
    expect(shown?.join(' ').replaceAll(/\s+/g, ' ')).toContain('[U+65E5][U+672C] ₹ € £ ¥ ₺ ₽ ₿');
  });

  it('numbers its pages, wraps long text and loses no row', async () => {
    const many = Array.from({ length: 300 }, (_, at) => ({
      cells: [`Client account number ${at} of a very long name that needs two lines`, null, String(at), '1.00', null],
    }));
    const { pages } = readPdf(await bytesOf('PDF', many));
    expect(pages.length).toBeGreaterThan(5);
    for (const [at, shown] of pages.entries()) {
      expect(shown).toContain('NGEU Northgate Europe · As of 2026-11-27');
      expect(shown).toContain(`Page ${at + 1} of `);
      expect(shown).toContain(String(pages.length));
    }
    const all = pages.flat();
    for (let at = 0; at < 300; at += 1) expect(all).toContain(grouped(String(at)));
    expect(all.filter((text) => text === '1.00')).toHaveLength(300);
  });

  it('keeps a word in view that is longer than its column, whole', async () => {
    const word = 'X'.repeat(150);
    const { pages } = readPdf(await bytesOf('PDF', [{ cells: [word, null, null, null, null] }]));
    expect(
      pages
        .flat()
        .filter((text) => /^X+$/.test(text))
        .join(''),
    ).toBe(word);
  });
});

// Rows that do not end come out as bytes all the time: of all that were written, those that are still held are few.
it.each(formats)('%s keeps no row that is written: its memory does not grow with the rows', async (format) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const written: WeakRef<object>[] = [];
  const held: number[] = [];
  async function* cursor() {
    for (let at = 0; at < 12_000; at += 1) {
      if (at % 4000 === 2000) {
        // What is referred to weakly lives to the end of a turn of the event loop.
        await new Promise((resolve) => setImmediate(resolve));
        collect();
        held.push(written.filter((row) => row.deref() !== undefined).length);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const cells = [
        `${at} account of a client`,
        '2026-11-27',
        String(at),
        `${at}.25`,
        `${at}.${String(at).padStart(6, '0')}`,
      ];
      written.push(new WeakRef(cells));
      yield { cells };
    }
  }
  let size = 0;
  for await (const piece of renderTable(format, table, cursor())) size += piece.length;
  expect(held).toHaveLength(3);
  expect(Math.max(...held)).toBeLessThan(200);
  expect(size).toBeGreaterThan(300_000);
});
