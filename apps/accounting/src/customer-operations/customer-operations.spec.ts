import { describe, expect, it } from '@jest/globals';
import { problem } from '#libs/kernel/index.js';
import { groupFaults } from './customer-operations.js';

const member = (key: string, group?: string, more: { fault?: boolean; validateOnly?: boolean } = {}) => ({
  key,
  ...(group === undefined ? {} : { group }),
  validateOnly: more.validateOnly ?? false,
  problems: more.fault ? [problem('EXCESS_SCALE', 'x')] : [],
});
const told = (...given: Parameters<typeof groupFaults>) =>
  groupFaults(...given).map((one) => one.map(({ code }) => code).join(' '));

describe('the operations of one group', () => {
  it('are stopped by a fault in one of them, and nobody else is', () => {
    expect(told([member('1', 'g'), member('2'), member('3', 'g', { fault: true }), member('4', 'h')], [])).toEqual([
      'LINKED_ITEM_REFUSED',
      '',
      'EXCESS_SCALE',
      '',
    ]);
    expect(told([member('1', undefined, { fault: true }), member('2')], [])).toEqual(['EXCESS_SCALE', '']);
  });

  it('are validated or booked as one', () => {
    expect(told([member('1', 'g'), member('2', 'g', { validateOnly: true }), member('3', 'h')], [])).toEqual([
      'GROUP_DIFFERS',
      'GROUP_DIFFERS',
      '',
    ]);
  });

  it('are not added to a group that was answered before, but one that comes twice is the same one', () => {
    expect(told([member('1', 'g'), member('2', 'h')], [{ group: 'g', key: '0' }])).toEqual(['LINKED_ITEM_REFUSED', '']);
    expect(told([member('1', 'g')], [{ group: 'g', key: '1' }])).toEqual(['']);
  });
});
