import { describe, expect, it } from 'vitest';
import { millis, momentOf, stepOf } from './interval';
import { Unfit, address, markdown, promql, search, sql, title, usedIn, uses } from './substitute';

const moment = { from: 0, to: 3_600_000, step: 15_000, rate: 60_000, environment: '' };
const prod = { ...moment, environment: "o'prod" };
const v = (...values: string[]) => ({ x: values });

describe('a value in PromQL', () => {
  it.each([
    ['up{job="$x"}', ['a"} or vector(1) #'], 'up{job="a\\"} or vector(1) #"}'],
    ['up{job="$x"}', ['a\\'], 'up{job="a\\\\"}'],
    ["up{job='${x}'}", ["it's"], "up{job='it\\'s'}"],
    ['up{job=~"$x"}', ['a.b'], 'up{job=~"a\\\\.b"}'],
    ['up{job=~"$x"}', ['a', 'b|c'], 'up{job=~"(a|b\\\\|c)"}'],
    ['up{job!~"^${x:regex}-.*$"}', ['a'], 'up{job!~"^a-.*$"}'],
    ['up{job=~`$x`}', ['a.b'], 'up{job=~`a\\.b`}'],
    ['up{job="line$x"}', ['\n'], 'up{job="line\\n"}'],
    ['sum by ($x) (up)', ['job', 'instance'], 'sum by (job, instance) (up)'],
    ['topk($x, up)', ['5'], 'topk(5, up)'],
    ['rate(a[$x])', ['5m'], 'rate(a[5m])'],
    ['rate(a[$__rate_interval]) # $x "', ['q'], 'rate(a[60s]) # $x "'],
    ['a[$__range] offset ${__interval}', [], 'a[3600s] offset 15s'],
    ['label_replace(a, "d", "$1", "s", "$x")', ['z'], 'label_replace(a, "d", "$1", "s", "z")'],
    ['up{job="$unknown"}', ['z'], 'up{job="$unknown"}'],
  ])('%s with %j', (text, values, expected) => {
    expect(promql(text, v(...values), moment)).toBe(expected);
  });

  it.each([
    ['up{job="$x"}', ['a', 'b'], 'several'],
    ['$x', ['vector(1)'], 'syntax'],
    ['rate(a[$x])', ['5m]) or vector(1'], 'syntax'],
    ['sum by ($x) (up)', ['job) (up) or sum by (z'], 'syntax'],
    ['sum by ($x) (up)', [], 'syntax'],
    ['up{job=`$x`}', ['`} or up{'], 'syntax'],
  ])('%s with %j is refused', (text, values, why) => {
    expect(() => promql(text, v(...values), moment)).toThrow(Unfit);
    expect(() => promql(text, v(...values), moment)).toThrow(why);
  });

  it('asks for every environment when none is chosen', () => {
    expect(promql('up{env=~"$__environment"}', {}, moment)).toBe('up{env=~".*"}');
    expect(promql('up{env=~"$__environment"}', {}, prod)).toBe('up{env=~"o\'prod"}');
  });
});

describe('a value in SQL', () => {
  it.each([
    ['WHERE a = $x', ["' OR 1=1 --"], "WHERE a = '\\' OR 1=1 --'"],
    ['WHERE a = $x', ['\\'], "WHERE a = '\\\\'"],
    ["WHERE a = '$x'", ["'); DROP"], "WHERE a = '\\'); DROP'"],
    ["WHERE a LIKE '%${x}%'", ['\\'], "WHERE a LIKE '%\\\\%'"],
    ['WHERE a IN ($x)', ['a', "b'c"], "WHERE a IN ('a', 'b\\'c')"],
    ['SELECT `$x`', ['service'], 'SELECT `service`'],
    ['SELECT 1 -- $x\n', ['z'], 'SELECT 1 -- $x\n'],
    ['SELECT 1 /* $x */', ['*/ evil'], 'SELECT 1 /* $x */'],
    ['SELECT $q$ $x $q$', ['$q$ evil'], 'SELECT $q$ $x $q$'],
    ["SELECT '' WHERE a = $x", ['z'], "SELECT '' WHERE a = 'z'"],
    ["SELECT 'it''s $x'", ["'"], "SELECT 'it''s \\''"],
    ['WHERE a = $x', [], "WHERE a = ''"],
    ['INTERVAL $__interval_s SECOND', [], 'INTERVAL 15 SECOND'],
    ['WHERE $__environmentFilter', [], 'WHERE true'],
    [
      'WHERE $__timeFilter(time)',
      [],
      'WHERE (time >= fromUnixTimestamp64Milli(toInt64(0)) AND time < fromUnixTimestamp64Milli(toInt64(3600000)))',
    ],
    ['$__timeInterval(s.time)', [], 'toStartOfInterval(s.time, INTERVAL 15 SECOND)'],
  ])('%s with %j', (text, values, expected) => {
    expect(sql(text, v(...values), moment)).toBe(expected);
  });

  it('cannot leave an identifier, nor be several inside quotes', () => {
    expect(() => sql('SELECT `$x`', v('a` FROM secrets --'), moment)).toThrow('syntax');
    expect(() => sql('SELECT "$x"', v('a"'), moment)).toThrow('syntax');
    expect(() => sql('SELECT ‘$x’', v('a’, sleep(3), ‘'), moment)).toThrow('syntax');
    expect(sql('a = $constructor', { constructor: ['z'] }, moment)).toBe("a = 'z'");
    expect(() => sql("SELECT '$x'", v('a', 'b'), moment)).toThrow('several');
  });

  it('knows the environment of the page', () => {
    expect(sql('$__environmentFilter', {}, prod)).toBe("environment = 'o\\'prod'");
    expect(sql('environment = $__environment', {}, prod)).toBe("environment = 'o\\'prod'");
  });
});

describe('a value elsewhere', () => {
  it('is quoted in a search', () => {
    expect(search('service:$x', v('a" OR b'))).toBe('service:"a\\" OR b"');
    expect(search('service:$x', v('a', 'b'))).toBe('service:("a" OR "b")');
    expect(search('"say $x"', v('"'))).toBe('"say \\""');
    expect(() => search('"$x"', v('a', 'b'))).toThrow('several');
  });

  it('is text in Markdown and a title', () => {
    expect(markdown('# $x', v('[a](javascript:b)'))).toBe('# \\[a\\]\\(javascript:b\\)');
    expect(title('Load of $x', v('a', 'b'))).toBe('Load of a, b');
  });

  it('cannot lead an address elsewhere', () => {
    expect(address('/$x', v('/evil.example'), moment)).toBe('/%2Fevil.example');
    expect(address('https://a/?q=$x&f=$__from', v('b&c'), moment)).toBe('https://a/?q=b%26c&f=0');
  });

  it('is found where it is used', () => {
    expect(uses('label_values(up{a="$x"}, b)', 'x')).toBe(true);
    expect(uses('$xy', 'x')).toBe(false);
    expect(usedIn('${a:csv} $b')).toEqual(['a', 'b']);
  });
});

describe('the step of a panel', () => {
  it('is round, and never finer than its metrics are told', () => {
    expect(stepOf(3_600_000, 240, 15_000)).toBe(15_000);
    expect(stepOf(86_400_000, 240, 15_000)).toBe(600_000);
    expect(stepOf(3_600_000, 240, 60_000)).toBe(60_000);
    expect(stepOf(3_600_000, 400, 7_000)).toBe(14_000);
    expect(stepOf(4e11, 100, 15_000) % 15_000).toBe(0);
  });

  it('keeps the question the same until a step has passed', () => {
    const one = momentOf({ from: 1_000, to: 3_601_000 }, '', 240, 15_000);
    expect(momentOf({ from: 9_000, to: 3_609_000 }, '', 240, 15_000)).toEqual(one);
    expect(one).toMatchObject({ from: 0, to: 3_600_000, step: 15_000, rate: 60_000 });
  });

  it('rates over a window that holds two points of metrics told more seldom', () => {
    const moment = momentOf({ from: 0, to: 3_600_000 }, '', 240, 15_000, 60_000);
    expect(moment).toMatchObject({ step: 15_000, rate: 240_000 });
  });

  it('reads durations', () => {
    expect([millis('15s'), millis('2m'), millis('500ms'), millis('soon')]).toEqual([
      15_000, 120_000, 500, 15_000,
    ]);
  });
});
