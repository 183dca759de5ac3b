import { describe, expect, it } from 'vitest';
import { place, runs, told } from './payload.ts';

const frame = (name: string, more: object = {}): object => ({ function: name, ...more });
const python = {
  exception: {
    values: [
      {
        type: 'KeyError',
        value: "'cart'",
        stacktrace: { frames: [frame('cause', { filename: 'a.py', lineno: 3 })] },
      },
      {
        type: 'ValueError',
        value: 'no cart',
        mechanism: { type: 'logging', handled: false },
        stacktrace: {
          frames: [
            frame('main', { in_app: true }),
            frame('call', { in_app: false }),
            frame('pay', {
              in_app: true,
              filename: 'shop/pay.py',
              lineno: 12,
              pre_context: ['def pay():', '    cart = None'],
              context_line: '    raise ValueError("no cart")',
              post_context: ['', 'x = 1'],
              vars: { cart: null, total: 3, items: ['a', { b: 1 }] },
            }),
          ],
        },
      },
    ],
  },
};

describe('exceptions', () => {
  it('stand with what was caught first and the running call first', () => {
    const { thrown } = told(python);
    expect(thrown.map((each) => each.type)).toEqual(['ValueError', 'KeyError']);
    expect(thrown[0]?.frames.map((each) => each.name)).toEqual(['pay', 'call', 'main']);
    expect(thrown[0]).toMatchObject({ mechanism: 'logging', handled: false });
    expect(thrown[1]).toMatchObject({ mechanism: '', handled: null });
  });

  it.each([
    ['a list', [{ type: 'E' }]],
    ['values', { values: [{ type: 'E' }] }],
    ['one object', { type: 'E' }],
  ])('are read from %s', (_, exception) => {
    expect(told({ exception }).thrown.map((each) => each.type)).toEqual(['E']);
  });

  it('have their source with the numbers of its lines', () => {
    const pay = told(python).thrown[0]?.frames[0];
    expect(pay?.source).toEqual([
      [10, 'def pay():', false],
      [11, '    cart = None', false],
      [12, '    raise ValueError("no cart")', true],
      [13, '', false],
      [14, 'x = 1', false],
    ]);
    expect(pay?.variables).toEqual([
      ['total', '3'],
      ['items', '["a",{"b":1}]'],
    ]);
    expect(pay && place(pay)).toBe('shop/pay.py:12');
  });

  it('at the top of a file have no lines before the first', () => {
    const stacktrace = {
      frames: [{ lineno: 2, pre_context: ['', '', 'one'], context_line: 'two' }],
    };
    const [top] = told({ exception: [{ type: 'E', stacktrace }] }).thrown;
    expect(top?.frames[0]?.source).toEqual([
      [1, 'one', false],
      [2, 'two', true],
    ]);
    const first = { frames: [{ lineno: 1, pre_context: [''], context_line: 'one' }] };
    const [only] = told({ exception: [{ type: 'E', stacktrace: first }] }).thrown;
    expect(only?.frames[0]?.source).toEqual([[1, 'one', true]]);
  });

  it('may be missing: then the stack is that of the thread that crashed, or of the event', () => {
    const threads = {
      values: [
        { name: 'main', stacktrace: { frames: [frame('wait')] } },
        { name: 'worker', crashed: true, stacktrace: { frames: [frame('fall')] } },
      ],
    };
    expect(told({ threads }).thrown[0]).toMatchObject({ value: 'worker' });
    expect(told({ threads }).thrown[0]?.frames[0]?.name).toBe('fall');
    expect(told({ stacktrace: { frames: [frame('here')] } }).thrown[0]?.frames[0]?.name).toBe(
      'here',
    );
  });

  const owns = (frames: object[]): boolean[] | undefined =>
    told({ exception: [{ type: 'E', stacktrace: { frames } }] })
      .thrown[0]?.frames.map((each) => each.own)
      .reverse();

  it('tell libraries from our own by their place where the SDK does not', () => {
    const paths = [
      '/app/node_modules/x/i.js',
      'node:internal/timers',
      '/usr/lib/python3.11/json/decoder.py',
      'C:\\app\\vendor\\x.php',
      '/app/src/c.js',
      'lib/vendors.js',
    ];
    expect(owns(paths.map((filename) => frame('f', { filename })))).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
    ]);
  });

  it('are ours only where the SDK says so, if it does at all', () => {
    const [filename, library] = ['/usr/share/x.py', '/app/node_modules/x/i.js'];
    const frames = [
      frame('a', { filename }),
      frame('b', { filename: library, in_app: true }),
      frame('c', { filename, in_app: false }),
    ];
    expect(owns(frames)).toEqual([false, true, false]);
    // Where it only says what is not ours, the rest is judged by its place.
    expect(owns([frame('a', { filename }), frame('c', { in_app: false })])).toEqual([true, false]);
  });
});

describe('runs', () => {
  it('join neighbours of a kind', () => {
    const all = told(python).thrown[0]?.frames ?? [];
    expect(runs(all).map((each) => [each.own, each.frames.length])).toEqual([
      [true, 1],
      [false, 1],
      [true, 1],
    ]);
  });

  it('of libraries alone do not fold', () => {
    const frames = [frame('a', { in_app: false }), frame('b', { in_app: false })];
    const all = told({ exception: [{ type: 'E', stacktrace: { frames } }] }).thrown[0]?.frames;
    expect(runs(all ?? [])).toMatchObject([{ own: true, frames: [{ name: 'b' }, { name: 'a' }] }]);
    expect(runs([])).toEqual([]);
  });
});

describe('the rest', () => {
  it.each([
    ['a list', (values: unknown[]) => values],
    ['values', (values: unknown[]) => ({ values })],
  ])('reads breadcrumbs from %s', (_, made) => {
    const breadcrumbs = made([
      { timestamp: 1_700_000_000.5, category: 'http', data: { url: '/a', status: 200 } },
      { timestamp: '2026-01-02T03:04:05.000Z', type: 'navigation', message: 'went' },
      { timestamp: '2026-01-02T03:04:05', message: { a: 1 } },
    ]);
    expect(told({ breadcrumbs }).crumbs).toMatchObject([
      {
        at: 1_700_000_000_500,
        category: 'http',
        data: [
          ['url', '/a'],
          ['status', '200'],
        ],
      },
      { at: Date.UTC(2026, 0, 2, 3, 4, 5), category: 'navigation', message: 'went' },
      { at: Date.UTC(2026, 0, 2, 3, 4, 5), message: '{"a":1}' },
    ]);
  });

  it('reads tags as an object, as pairs, as keys and values; a name stands once', () => {
    const wanted = [
      ['a', '1'],
      ['b', '2'],
    ];
    expect(told({ tags: { a: 1, b: '2', c: null } }).tags).toEqual(wanted);
    expect(
      told({
        tags: [
          ['a', 0],
          ['a', '1'],
          ['b', 2],
        ],
      }).tags,
    ).toEqual(wanted);
    expect(
      told({
        tags: [
          { key: 'a', value: '1' },
          { key: 'b', value: '2' },
        ],
      }).tags,
    ).toEqual(wanted);
  });

  it('reads a request whatever shape its parts have', () => {
    const request = {
      method: 'POST',
      url: 'https://shop/pay',
      query_string: [
        ['a', '1'],
        ['b', '2'],
      ],
      headers: [['Host', 'shop']],
      cookies: 'sid=[Filtered]',
      data: { total: 3 },
      env: { SERVER_NAME: 'web-1' },
    };
    expect(told({ request }).request).toEqual({
      method: 'POST',
      url: 'https://shop/pay',
      query: 'a=1&b=2',
      headers: [['Host', 'shop']],
      cookies: [['cookies', 'sid=[Filtered]']],
      body: '{"total":3}',
      environment: [['SERVER_NAME', 'web-1']],
    });
    expect(told({ request: {} }).request).toBeNull();
  });

  it('reads the message from wherever it stands', () => {
    expect(told({ message: 'hello' }).message).toBe('hello');
    expect(told({ message: { formatted: 'hello you' } }).message).toBe('hello you');
    expect(told({ logentry: { message: 'hello %s' } }).message).toBe('hello %s');
  });

  it('leaves out contexts that say nothing and what a context calls itself', () => {
    const contexts = { os: { type: 'os', name: 'Linux' }, empty: {}, odd: 'text' };
    expect(told({ contexts }).contexts).toEqual([['os', [['name', 'Linux']]]]);
  });
});

describe('hostile events', () => {
  const NOTHING = told({});

  it('say nothing instead of breaking the page', () => {
    const wrong = [null, undefined, 7, 'text', true, [], {}, [null], [[]], { values: 7 }, [[1]]];
    const names =
      'exception threads stacktrace message breadcrumbs request user tags contexts extra';
    for (const payload of wrong) expect(() => told(payload)).not.toThrow();
    for (const name of names.split(' '))
      for (const value of wrong) expect(told({ [name]: value }).thrown).toEqual([]);
    expect(told(null)).toEqual(NOTHING);
  });

  it('may have anything in a frame', () => {
    for (const value of [null, 7, 'x', [], {}, [{}], -1, 1.5]) {
      const frames = [
        value,
        Object.fromEntries(
          'function module filename abs_path lineno colno in_app context_line pre_context post_context vars package'
            .split(' ')
            .map((name) => [name, value]),
        ),
      ];
      const found = told({
        exception: { values: [{ type: value, value, stacktrace: { frames } }] },
      });
      expect(found.thrown[0]?.frames).toHaveLength(2);
    }
  });

  it('are cut where they are long', () => {
    const frames = Array.from({ length: 2000 }, (_, at) => frame(`f${at}`));
    const found = told({
      exception: [{ type: 'x'.repeat(100_000), stacktrace: { frames } }],
      breadcrumbs: Array.from({ length: 2000 }, () => ({ message: 'm' })),
    });
    expect(found.thrown[0]?.type).toHaveLength(10_001);
    // The newest frames are those that matter.
    expect(found.thrown[0]?.frames[0]?.name).toBe('f1999');
    expect(found.thrown[0]?.frames).toHaveLength(250);
    expect(found.crumbs).toHaveLength(250);
  });

  it('with names of objects’ own parts are names like others', () => {
    const payload = JSON.parse('{"tags":{"__proto__":"a","constructor":"b"}}') as unknown;
    expect(told(payload).tags).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });
});
