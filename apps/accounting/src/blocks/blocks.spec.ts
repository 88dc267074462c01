import { describe, expect, it } from '@jest/globals';
import { accountStates, blocksFollowing, stopsWhatComesIn, stopsWhatGoesOut } from './blocks.js';

describe('blocks of an account', () => {
  it.each([
    ['OPEN', false, false],
    ['BLOCKED', true, false],
    ['BLOCKED_IN', false, true],
    ['BLOCKED_BOTH', true, true],
    ['CLOSED', false, false],
  ] as const)('%s stops what goes out: %s, what comes in: %s', (state, out, comesIn) => {
    expect(accountStates).toContain(state);
    expect([stopsWhatGoesOut(state), stopsWhatComesIn(state)]).toEqual([out, comesIn]);
  });

  it('follow a wanted state when they have no code, and stay when somebody gave a reason', () => {
    const plain = { id: 'p', reasonCode: 'UNSPECIFIED' } as const;
    const court = { id: 'c', reasonCode: 'COURT_ORDER' } as const;
    expect(blocksFollowing('BLOCKED', [])).toEqual({ places: true, lifts: [], staying: [] });
    expect(blocksFollowing('BLOCKED', [plain])).toEqual({ places: false, lifts: [], staying: [] });
    expect(blocksFollowing('BLOCKED', [court])).toEqual({ places: true, lifts: [], staying: ['COURT_ORDER'] });
    expect(blocksFollowing('OPEN', [plain, court])).toEqual({ places: false, lifts: ['p'], staying: ['COURT_ORDER'] });
  });
});
