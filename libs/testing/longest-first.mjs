import Sequencer from '@jest/test-sequencer';

/** The whole system's tests take minutes each and the others seconds: begun last, one of them would run alone at the end. */
const longest = ['faults-small', 'business-day', 'launcher-lifecycle', 'external-services', 'messaging'];
const rankOf = ({ path }) => {
  const rank = longest.findIndex((name) => new RegExp(`/${name}\\.(e2e|int)-spec\\.`).test(path));
  return rank < 0 ? longest.length : rank;
};

export default class LongestFirst extends (Sequencer.default ?? Sequencer) {
  async sort(tests) {
    const usual = await super.sort(tests);
    return usual.sort((one, other) => rankOf(one) - rankOf(other));
  }
}
