import { describe, expect, it } from '@jest/globals';
import { statementKind } from './sql-metrics.js';

describe('the kind of a statement', () => {
  it.each([
    ['SELECT 1', 'select'],
    ['\n  select a, b FROM trade WHERE id = $1', 'select'],
    ['SELECT count(*) FROM settlement.trade', 'select'],
    ['SELECT sequence FROM messaging.add($1::jsonb, $2::json[])', 'call'],
    ['SELECT messaging.acknowledge($1) AS calls_next', 'call'],
    ['INSERT INTO a VALUES (1)', 'insert'],
    ['-- why\nUPDATE a SET b = 1', 'update'],
    ['DELETE FROM a', 'delete'],
    ['WITH x AS (SELECT 1) SELECT * FROM x', 'with'],
    ['LOCK TABLE a', 'other'],
    ['', 'other'],
  ])('%s: %s', (sql, kind) => {
    expect(statementKind(sql)).toBe(kind);
  });
});
