import { describe, expect, it } from '@jest/globals';
import { ArrayMaxSize, IsIn, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import { answerItems, atItems, validateInput, validateItems, Verbatim } from './validate-input.js';

class Input {
  name!: string;
  @Verbatim() content!: string;
}

describe('what no column holds', () => {
  it('is refused in every text but in a file as it came, whose lines are judged one by one', () => {
    const texts = { name: 'a\0b', content: 'one\nt\0wo\n', more: [{ reason: '\ud800' }] };
    expect(validateInput(Input, texts).map(({ code, path }) => `${code} ${path.join('.')}`)).toEqual([
      'INVALID_TEXT name',
      'INVALID_TEXT more.0.reason',
    ]);
    expect(validateInput(Input, { name: 'a', content: '\0' })).toEqual([]);
  });
});

class Item {
  @IsIn(['A', 'B']) kind!: string;
}
class Bulk {
  @ArrayMaxSize(4) @ValidateNested({ each: true }) @Type(() => Item) items!: Item[];
  reason!: string;
}
const told = (problems: readonly { code: string; path: readonly (string | number)[] }[]) =>
  problems.map(({ code, path }) => `${code} ${path.join('.')}`);

describe('a call of many items', () => {
  it('has the faults of each item by its place, and those of the call apart', () => {
    const faults = validateItems(Bulk, 'items', {
      items: [{ kind: 'A' }, { kind: 'X\0' }, { kind: '\ud800' }],
      reason: '\0',
    });
    expect(told(faults.problems)).toEqual(['INVALID_TEXT reason']);
    expect([...faults.ofItems].map(([n, problems]) => [n, told(problems)])).toEqual([
      [1, ['NOT_ALLOWED kind', 'INVALID_TEXT kind']],
      [2, ['NOT_ALLOWED kind', 'INVALID_TEXT kind']],
    ]);
    expect(told(validateItems(Bulk, 'items', { items: Array(5).fill({ kind: 'A' }) }).problems)).toEqual([
      'TOO_MANY_ITEMS items',
    ]);
  });

  it('answers all in their order and works on the sound ones alone', async () => {
    const items = [{ kind: '\0' }, { kind: 'A' }, { kind: '\0' }, { kind: 'B' }];
    const faults = validateItems(Bulk, 'items', { items });
    const answer = (work: (sound: Item[]) => Promise<string[]>) =>
      answerItems(items, faults, work, (problems) => told(problems).join());
    expect(await answer((sound) => Promise.resolve(sound.map(({ kind }) => kind)))).toEqual([
      'NOT_ALLOWED kind,INVALID_TEXT kind',
      'A',
      'NOT_ALLOWED kind,INVALID_TEXT kind',
      'B',
    ]);
    const [first] = atItems('items', [{ problems: faults.ofItems.get(0) ?? [], replayed: false }]);
    expect([first?.replayed, told(first?.problems ?? [])]).toEqual([
      false,
      ['NOT_ALLOWED items.0.kind', 'INVALID_TEXT items.0.kind'],
    ]);
    await expect(answer(() => Promise.resolve(['one too few']))).rejects.toThrow('item 3 has no answer');
    const none = validateItems(Bulk, 'items', { items: [{ kind: '\0' }] });
    expect(
      await answerItems(
        [{ kind: '\0' }],
        none,
        () => Promise.reject(new Error('nothing to work on')),
        () => 'faulty',
      ),
    ).toEqual(['faulty']);
  });
});
