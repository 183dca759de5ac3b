import { describe, expect, it } from 'vitest';
import { csvOf, draw, momentOf, type Answer } from './chart.ts';
import { complete, type Reference } from './complete.ts';
import { tokens } from './tokens.ts';

const reference: Reference = {
  views: [
    {
      name: 'spans',
      help: '',
      columns: [
        { name: 'duration_ns', help: '' },
        { name: 'service', help: '' },
      ],
    },
    {
      name: 'logs',
      help: '',
      columns: [
        { name: 'body', help: '' },
        { name: 'service', help: '' },
      ],
    },
  ],
  accessors: [{ name: 'attr_string', help: '' }],
  functions: ['lower'],
  aggregates: ['count', 'sum'],
  limits: { seconds: 30, rows: 10, memory_mb: 10, at_once: 4 },
};

const texts = (sql: string, cursor = sql.length, asked = false): string[] =>
  complete(sql, cursor, reference, { asked }).offers.map((each) => each.text);

describe('tokens', () => {
  it('cut a statement into its kinds and lose nothing', () => {
    const sql = "SELECT count(), 'it''s' -- why\nFROM `spans` WHERE a.b > 1.5e3 /* x";
    const found = tokens(sql);
    expect(found.map((each) => each.text).join('')).toBe(sql);
    expect(found.filter((each) => each.kind === 'keyword').map((each) => each.text)).toEqual([
      'SELECT',
      'FROM',
      'WHERE',
    ]);
    expect(found.find((each) => each.kind === 'text')?.text).toBe("'it''s'");
    expect(found.find((each) => each.kind === 'call')?.text).toBe('count');
    expect(found.at(-1)).toEqual({ kind: 'comment', text: '/* x' });
  });
  it('survive whatever is typed', () => {
    for (const sql of ["'", '"\\', '`', '--', '/*', '\u0000\u202e', '😀'.repeat(50)])
      expect(
        tokens(sql)
          .map((each) => each.text)
          .join(''),
      ).toBe(sql);
  });
});

describe('completion', () => {
  it('offers views after FROM and the columns of the views that are named', () => {
    expect(texts('SELECT 1 FROM s')).toEqual(['spans', 'logs']);
    expect(texts('SELECT  FROM logs', 7, true)).toContain('body');
    expect(texts('SELECT  FROM logs', 7, true)).not.toContain('duration_ns');
    expect(texts('SELECT dur')).toEqual(['duration_ns']);
    expect(texts('SELECT attr_s')[0]).toBe('attr_string(');
    expect(texts('SELECT cou')).toContain('count(');
  });
  it('is silent within texts and comments, and where nothing is typed', () => {
    expect(texts("SELECT 'ser")).toEqual([]);
    expect(texts('SELECT 1 -- ser')).toEqual([]);
    expect(texts('SELECT ')).toEqual([]);
  });
});

describe('charts', () => {
  const answer = (columns: [string, string][], rows: unknown[][]): Answer =>
    ({
      columns: columns.map(([name, type]) => ({ name, type })),
      rows,
      elapsed_ms: 1,
      truncated: false,
    }) as Answer;

  it('draw a course by time, one line for each name', () => {
    const drawn = draw(
      answer(
        [
          ['t', 'time'],
          ['service', 'string'],
          ['n', 'int'],
        ],
        [
          ['2026-11-27T10:00:00Z', 'a', 1],
          ['2026-11-27T10:01:00Z', 'a', 2],
          ['2026-11-27T10:03:00Z', 'b', 9],
        ],
      ),
    );
    expect(drawn).toMatchObject({ kind: 'course', step: 60_000, leftOut: 0 });
    if (drawn.kind !== 'course') throw new Error(drawn.kind);
    expect(drawn.series.map((each) => [each.name, each.values])).toEqual([
      ['b', [null, null, null, 9]],
      ['a', [1, 2, null, null]],
    ]);
  });
  it('draw bars by name, and say why they cannot', () => {
    expect(
      draw(
        answer(
          [
            ['s', 'string'],
            ['n', 'float'],
          ],
          [
            ['a', 1.5],
            ['b', null],
          ],
        ),
      ),
    ).toMatchObject({
      kind: 'bars',
      value: 'n',
      bars: [
        { name: 'a', value: 1.5 },
        { name: 'b', value: 0 },
      ],
    });
    expect(draw(answer([['n', 'int']], []))).toEqual({ kind: 'none', why: 'rows' });
    expect(draw(answer([['s', 'string']], [['a']]))).toEqual({ kind: 'none', why: 'numbers' });
    expect(
      draw(
        answer(
          [
            ['t', 'time'],
            ['n', 'int'],
          ],
          [['never', 1]],
        ),
      ),
    ).toEqual({ kind: 'none', why: 'times' });
  });
  it('read moments with and without a zone as UTC', () => {
    expect(momentOf('2026-11-27 10:00:00')).toBe(Date.UTC(2026, 10, 27, 10));
    expect(momentOf('2026-11-27T10:00:00.123456789Z')).toBe(Date.UTC(2026, 10, 27, 10, 0, 0, 123));
    expect(momentOf('2026-11-27')).toBe(Date.UTC(2026, 10, 27));
    expect(momentOf(5)).toBeNull();
  });
  it('become CSV that no spreadsheet runs', () => {
    const csv = csvOf(
      answer(
        [
          ['a', 'string'],
          ['b', 'map'],
        ],
        [
          ['=1+1', { x: 1 }],
          ['say "hi"\n', null],
        ],
      ),
    );
    expect(csv).toBe('a,b\r\n\'=1+1,"{""x"":1}"\r\n"say ""hi""\n",\r\n');
  });
});
