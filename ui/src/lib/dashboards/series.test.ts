import { describe, expect, it } from 'vitest';
import { written as figure } from '#lib/charts/scale.ts';
import { silent, type Asked, type Sampled, type Told } from './ask';
import { heat, shade } from './heat';
import {
  chartSeries,
  course,
  figures,
  halves,
  named,
  names,
  ranked,
  reduced,
  table,
  unique,
} from './series';
import { filtered, readBack, written } from './several';
import { emptyQuery } from './types';

const moment = { from: 0, to: 60_000, step: 15_000, rate: 60_000, environment: '' };
const asked = { kind: 'range', text: 'up', legend: '' } as const;

function prom(result: Sampled[], legend = '', more: Partial<Asked> = {}): Told {
  return { kind: 'prom', asked: { ...asked, legend, ...more }, result };
}
const plain = { fill: false, unit: '', decimals: null, queries: [] };
const line = (metric: Record<string, string>, ...values: [number, string][]): Sampled => ({
  metric,
  values,
});
function sql(columns: [string, string][], rows: unknown[][]): Told {
  const answer = {
    columns: columns.map(([name, type]) => ({ name, type })),
    rows,
    elapsed_ms: 1,
    truncated: false,
  };
  return { kind: 'sql', asked: { ...asked, kind: 'sql' }, answer } as Told;
}

describe('series of Prometheus', () => {
  it('stand on the grid of the question, with holes where nothing was told', () => {
    const drawn = course([prom([line({ a: 'x' }, [0, '1'], [30, 'NaN'], [60, '3'])])], moment);
    expect(drawn).toMatchObject({ start: -15_000, step: 15_000, more: 0 });
    expect(drawn.lines[0]?.values).toEqual([1, null, null, null, 3]);
  });

  it('are named by their legend, or by the labels in which they differ', () => {
    const two = [line({ job: 'a', zone: 'x' }), line({ job: 'b', zone: 'x' })];
    expect(names('{{ job }} in {{zone}}{{none}}', two, '')).toEqual(['a in x', 'b in x']);
    expect(names('', two, '')).toEqual(['a', 'b']);
    expect(names('', [line({ __name__: 'up', job: 'a' })], 'x')).toEqual(['up']);
    expect(names('', [line({})], 'vector(1)')).toEqual(['vector(1)']);
    expect(names('', [line({ job: 'a' }), line({})], 'x')).toEqual(['a', '{}']);
    expect(unique([{ name: 'a' }, { name: 'a' }]).map((each) => each.name)).toEqual(['a', 'a · 2']);
  });

  it('are named in a chart when there is but one, if a legend or a column made its name', () => {
    const titled = (...told: Told[]): boolean =>
      named(course(told, moment).lines, told, 'Refused by reason');
    const only = line({ signal: 'logs', reason: 'too_old' }, [0, '1']);
    expect(titled(prom([only], '{{signal}} {{reason}}'))).toBe(true);
    expect(titled(prom([only]))).toBe(false);
    expect(titled(prom([only], 'refused'))).toBe(false);
    expect(titled(prom([only, line({ signal: 'traces' }, [0, '1'])]))).toBe(true);
    expect(titled(prom([], ''), prom([only], '{{signal}}'))).toBe(true);
  });

  it('are listed by their last value, the largest first and the silent last', () => {
    const list = [[1], [null], [-2], [9, null], [3]].map((values, at) => ({ at, values }));
    const order = (letters: string): number[] =>
      ranked(
        list,
        [...letters].map((letter) => ({ letter })),
      ).map((each) => each.at);
    expect(order('')).toEqual([3, 4, 0, 2, 1]);
    // What other queries tell may be of another unit.
    expect(order('AABBB')).toEqual([0, 1, 3, 4, 2]);
  });

  it('are cut before their end, where long names differ', () => {
    const long = 'http_route=/api/products/{id} service=checkout-b';
    expect(halves(long)).toEqual(['http_route=/api/products/{', 'id} service=checkout-b']);
    expect(halves(long).join('')).toBe(long);
    expect(halves('job=checkout')).toEqual(['job=checkout', '']);
  });

  it('say of which query they are when several have letters, a formula as it was typed', () => {
    const told = [
      prom([line({ job: 'a' }), line({ job: 'b' })], '', { letter: 'A' }),
      prom([line({ job: 'b' })], 'all of {{job}}', { letter: 'B' }),
      prom([line({})], '', { letter: 'C', text: '(up) / (up)', typed: '$a\n / $b' }),
    ];
    const named = course(told, moment).lines.map((each) => each.name);
    expect(named).toEqual(['A · a', 'A · b', 'B · all of b', 'C · $a / $b']);
    expect(course(told.slice(2), moment).lines.map((each) => each.name)).toEqual(['$a / $b']);
  });

  it('are none where a query found none, which its letter tells', () => {
    const up = line({}, [0, '1']);
    const told = [prom([up], '', { letter: 'A' }), prom([], '', { letter: 'B' }), prom([])];
    expect(silent(told)).toEqual(['B']);
  });

  it('have the unit of their query where the panel has none', () => {
    const one = (letter: string, value: string): Told =>
      prom([line({}, [0, value])], '', { letter });
    const { lines } = course([one('A', '77'), one('B', '77'), one('C', '77')], moment);
    const queries = [
      { ...emptyQuery(), letter: 'A', unit: 'seconds' },
      { ...emptyQuery(), letter: 'B', unit: 'per_second' },
      { ...emptyQuery(), letter: 'C', unit: '' },
    ];
    const said = (unit: string): string[] =>
      chartSeries(lines, { ...plain, unit, queries }).map((each) =>
        figure(77, each.unit ?? 'number'),
      );
    expect(said('')).toEqual(['1\u00a0min 17\u00a0s', '77\u00a0/s', '77']);
    expect(said('bytes')).toEqual(['77', '77', '77']);
  });

  it('are drawn up to a number, in colours that come round with a dash', () => {
    const many = Array.from({ length: 70 }, (_, n) => line({ n: String(n) }, [0, '1']));
    const drawn = course([prom(many)], moment);
    expect([drawn.lines.length, drawn.more]).toEqual([60, 10]);
    const series = chartSeries(drawn.lines, plain);
    expect(series[8]).toMatchObject({ color: series[0]?.color });
    expect([series[0]?.dash, series[8]?.dash]).toEqual([undefined, [6, 4]]);
  });
});

describe('figures', () => {
  it('are what is made of a series', () => {
    const values = [null, 4, 1, null, 7, null];
    const all = (['last', 'first', 'min', 'max', 'sum', 'mean', 'count'] as const).map((by) =>
      reduced(values, by),
    );
    expect(all).toEqual([7, 4, 1, 7, 12, 4, 3]);
    expect(reduced([null], 'sum')).toBeNull();
  });

  it('come of rows without a time too', () => {
    const rows = sql([['service', 'string'], ['n', 'int']], [['web', 3], ['pay', '9007199254740993']]); // prettier-ignore
    expect(figures([rows], moment, 'last').map((each) => [each.name, each.value])).toEqual([
      ['web', 3],
      ['pay', 9007199254740992],
    ]);
    const single = sql([['n', 'int']], [[5]]);
    expect(figures([single], moment, 'last')).toMatchObject([{ name: 'n', value: 5 }]);
  });
});

describe('a table', () => {
  it('has a row for each set of labels and a column for each query', () => {
    const value = (text: string): [number, string] => [60, text];
    const found = table([
      prom([{ metric: { job: 'a' }, value: value('1') }, { metric: { job: 'b' }, value: value('2') }], 'up'),
      prom([{ metric: { job: 'b' }, value: value('5') }]),
    ]); // prettier-ignore
    expect(found.columns.map((each) => each.name)).toEqual(['job', 'up', '#2']);
    expect(found.rows).toEqual([
      ['a', 1, null],
      ['b', 2, 5],
    ]);
  });
});

describe('the columns of a table', () => {
  it('are called by letters, and formulas by what was typed too', () => {
    const one = (letter: string, typed: string, legend = ''): Told =>
      prom([{ metric: {}, value: [60, '1'] }], legend, { letter, typed });
    const heads = (told: Told[]): string[] => table(told).columns.map((each) => each.name);
    expect(heads([one('A', 'up'), one('B', 'up', '{{job}} is up'), one('C', '$a / $b')])).toEqual([
      'A',
      'B · is up',
      'C · $a / $b',
    ]);
    expect(heads([one('A', 'up')])).toEqual(['value']);
  });
});

describe('a heatmap', () => {
  it('takes from each bucket what the one below counts already', () => {
    const found = heat(
      [prom([line({ le: '+Inf' }, [0, '9']), line({ le: '0.1' }, [0, '4']), line({ le: '1' }, [0, '7'])])],
      moment,
    ); // prettier-ignore
    expect(found.rows.map((row) => [row.name, row.values[0], row.values[1]])).toEqual([
      ['0.1', 4, null],
      ['1', 3, null],
      ['+Inf', 2, null],
    ]);
    expect(found.highest).toBe(4);
  });

  it('reads native histograms, their buckets by the upper end', () => {
    const found = heat(
      [
        prom([
          {
            metric: {},
            histograms: [
              [15, { count: '3', sum: '2', buckets: [[0, '0.5', '1', '2'], [0, '1', '2', '1']] }],
            ],
          },
        ]),
      ],
      moment,
    ); // prettier-ignore
    expect(found.rows.map((row) => [row.edge, row.values[1]])).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });
});

describe('a heatmap without buckets', () => {
  it('has a row for each series, and each has a name', () => {
    const found = heat(
      [
        prom([line({}, [0, '1'])], '', { letter: 'A', typed: 'sum(x)' }),
        prom([line({ job: 'a' }, [0, '1']), line({ job: 'b' }, [0, '1'])], '', { letter: 'B' }),
      ],
      moment,
    );
    expect(found.rows.map((each) => [each.name, each.edge])).toEqual([
      ['A · sum(x)', null],
      ['B · a', null],
      ['B · b', null],
    ]);
  });
});

describe('the shade of a cell', () => {
  const shades = (told: Told): number[][] => {
    const found = heat([told], moment);
    return found.rows.map((row) => row.values.slice(0, 3).map((each) => shade(found, row, each)));
  };

  it('is none where a series told nothing, and some where it told 0', () => {
    const [up, down] = shades(
      prom([line({ job: 'a' }, [0, '1'], [15, '0']), line({ job: 'b' }, [0, '0'])]),
    );
    expect(up).toEqual([1, 0.12, 0]);
    expect(down).toEqual([0.12, 0, 0]);
    expect(shades(prom([line({}, [0, '0'])]))[0]).toEqual([0.12, 0, 0]);
  });

  it('begins at the lowest of a series below 0', () => {
    expect(shades(prom([line({}, [0, '-4'], [15, '0'])]))[0]).toEqual([0.12, 1, 0]);
  });

  it('is none where a bucket counts nothing', () => {
    const told = prom([line({ le: '1' }, [0, '4']), line({ le: '2' }, [0, '4'])]);
    expect(shades(told)).toEqual([
      [1, 0, 0],
      [0, 0, 0],
    ]);
  });
});

describe('values of a variable', () => {
  it('stand in an address and come back, whatever they hold', () => {
    const values = ['a,b', '*', '100%', 'ü', '%2C'];
    expect(readBack(written(values))).toEqual(values);
    expect(written(['*'])).not.toBe('*');
  });

  it('are kept when they match, by the group if there is one', () => {
    const list = ['node-1', 'node-2', 'web-1', 'x1-1'].map((value) => ({ value, label: '' }));
    expect(filtered(list, '^node').map((each) => each.value)).toEqual(['node-1', 'node-2']);
    expect(filtered(list, '^[a-z]+-(\\d)$').map((each) => each.value)).toEqual(['1', '2']);
    expect(filtered(list, '[')).toEqual(list);
  });
});
