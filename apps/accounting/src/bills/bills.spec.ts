import { describe, expect, it } from '@jest/globals';
import { ageOf, needsSecondPerson, totalOf } from './bills.js';
import { readBills } from './bill-file.js';

describe('a bill', () => {
  it.each([
    ['2026-11-25', 'NOT_DUE'],
    ['2026-11-26', 'UP_TO_30'],
    ['2026-12-25', 'UP_TO_30'],
    ['2026-12-26', 'UP_TO_60'],
    ['2027-01-24', 'UP_TO_60'],
    ['2027-02-23', 'UP_TO_90'],
    ['2027-02-24', 'OVER_90'],
  ])('due on 2026-11-25 is on %s %s', (asOf, age) => {
    expect(ageOf('2026-11-25', asOf)).toBe(age);
  });

  it.each([
    ['EUR', 500_000n, false],
    ['EUR', 500_001n, true],
    ['USD', 1n, true],
  ])('of %s %s under a limit of EUR 5,000.00 needs a second person: %s', (asset, totalUnits, needed) => {
    expect(needsSecondPerson({ asset, totalUnits }, { functionalCurrency: 'EUR', limitUnits: 500_000n })).toBe(needed);
  });

  it('is the sum of its lines', () => {
    expect(totalOf([{ units: '100' }, { units: '19' }])).toBe(119n);
  });
});

describe('a file of bills', () => {
  const header = 'supplier,number,billDate,dueDate,currency,kind,code,costCentre,amount,description';
  it('has one line for each line of a bill; those of one number are together', () => {
    const read = readBills(
      [
        header,
        'Lumen,R-1,2026-11-20,2026-12-20,EUR,NET,5500,IT,100.00,Licences',
        'Lumen,R-1,2026-11-20,2026-12-20,EUR,TAX,5500,,19.00,VAT',
        'Lumen,R-2,2026-11-20,2026-12-20,EUR,NET,,,5,More',
      ].join('\n'),
    );
    expect(read).toMatchObject({
      ok: true,
      value: [
        {
          number: 'R-1',
          at: 0,
          lines: [
            { amount: '100.00', costCentre: 'IT' },
            { kind: 'TAX', costCentre: null },
          ],
        },
        { number: 'R-2', at: 2, lines: [{ code: null }] },
      ],
    });
  });

  it('is told every fault by line and column', () => {
    const read = readBills(
      [
        header,
        'Lumen,R-1,2026-02-30,2026-12-20,EUR,NET,5500,,100.00,x',
        'Lumen,R-1,2026-11-20,2026-12-21,EUR,GROSS,5500,,1,x',
        ',,2026-11-20,2026-12-20,EUR,NET,5500,,,x',
      ].join('\n'),
    );
    expect(read.ok ? [] : read.problems.map(({ code, path }) => `${code} ${path.join('.')}`)).toEqual([
      'INVALID_DATE file.0.billDate',
      'INVALID_KIND file.1.kind',
      'FIELD_MISSING file.2.supplier',
      'FIELD_MISSING file.2.number',
      'FIELD_MISSING file.2.amount',
      'BILL_HEAD_DIFFERS file.1.number',
    ]);
    expect(readBills('supplier,number\nx,1')).toMatchObject({ ok: false, problems: [{ code: 'COLUMN_MISSING' }] });
    expect(readBills('')).toMatchObject({ ok: false, problems: [{ code: 'FILE_EMPTY' }] });
  });
});
