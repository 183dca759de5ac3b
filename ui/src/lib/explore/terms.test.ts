import { describe, expect, it } from 'vitest';
import { parseTerms, printTerm, withTerm, withoutTerm } from './terms';

describe('the search language', () => {
  it('tells fields, negation, quotes and free text apart', () => {
    const terms = parseTerms('timeout -http.route:/health user.name:"Ada L" "not found"');
    expect(terms.map(({ field, value, not }) => [field, value, not])).toEqual([
      ['', 'timeout', false],
      ['http.route', '/health', true],
      ['user.name', 'Ada L', false],
      ['', 'not found', false],
    ]);
  });

  it('keeps colons inside a value', () => {
    expect(parseTerms('url.full:http://a:80/x')[0]).toMatchObject({
      field: 'url.full',
      value: 'http://a:80/x',
    });
  });

  it('prints what it parses', () => {
    for (const value of ['plain', 'two words', 'say "hi"', 'back\\slash and blank', '', '-x']) {
      const [term] = parseTerms(printTerm('k', value));
      expect(term).toMatchObject({ field: 'k', value });
    }
  });

  it('puts a filter in place of its opposite', () => {
    expect(withTerm('a k:v', 'k', 'v', true)).toBe('a -k:v');
  });

  it('removes one term and leaves the rest', () => {
    const [, second] = parseTerms('a k:v b');
    expect(withoutTerm('a k:v b', second!)).toBe('a b');
  });

  it('reads comparisons and wildcards, and quotes what would be one', () => {
    const terms = parseTerms('duration>=100ms http.status_code:5* size:<3');
    expect(terms.map(({ field, operator, value }) => [field, operator, value])).toEqual([
      ['duration', '>=', '100ms'],
      ['http.status_code', ':', '5*'],
      ['size', '<', '3'],
    ]);
    expect(printTerm('k', '5*')).toBe('k:"5*"');
    expect(parseTerms(printTerm('k', '>3'))[0]).toMatchObject({ operator: ':', value: '>3' });
  });

  it('takes an address for text, not for a field', () => {
    expect(parseTerms('http://a/b')[0]).toMatchObject({ field: '', value: 'http://a/b' });
  });

  it('survives a quote that is still open', () => {
    expect(parseTerms('k:"half')[0]).toMatchObject({ field: 'k', value: 'half' });
  });

  it('puts alternatives into parentheses before it adds to them', () => {
    expect(withTerm('a OR b', 'k', 'v')).toBe('(a OR b) k:v');
    expect(withTerm('(a OR b) k:v', 'k', 'v', true)).toBe('(a OR b) -k:v');
    expect(parseTerms('a OR k:v')).toMatchObject([{ field: '', raw: '(a OR k:v)' }]);
  });

  it('closes what is still being typed before it adds to it', () => {
    expect(withTerm('x (a OR b', 'k', 'v')).toBe('x (a OR b) k:v');
    expect(withTerm('f:(a OR (b', 'k', 'v')).toBe('f:(a OR (b)) k:v');
    expect(withTerm('say "hi', 'k', 'v')).toBe('say "hi" k:v');
    expect(withTerm('say "hi\\', 'k', 'v')).toBe('say "hi" k:v');
    expect(withTerm('a OR', 'k', 'v')).toBe('a k:v');
    expect(withTerm('NOT', 'k', 'v')).toBe('k:v');
  });

  it('keeps groups, ranges and regular expressions whole', () => {
    const text = 'NOT (a OR b) n:[1 TO 2] f:/a b/ level:(warn OR error) x!=y';
    expect(
      parseTerms(text).map(({ field, value, literal, not }) => [field, value, literal, not]),
    ).toEqual([
      ['', '(a OR b)', false, true],
      ['n', '[1 TO 2]', false, false],
      ['f', '/a b/', false, false],
      ['level', '(warn OR error)', false, false],
      ['x', 'y', true, true],
    ]);
    expect(withTerm(text, 'x', 'y')).toBe(
      'NOT (a OR b) n:[1 TO 2] f:/a b/ level:(warn OR error) x:y',
    );
  });

  it('does not take a pattern for the value that it looks like', () => {
    expect(withTerm('k:5* k:"5*"', 'k', '5*', true)).toBe('k:5* -k:"5*"');
    expect(parseTerms('n:1..2')[0]?.literal).toBe(false);
    expect(parseTerms('n:1\\*')[0]).toMatchObject({ literal: true, value: '1*' });
  });

  it('quotes names and values that would mean something else', () => {
    expect(printTerm('my field', 'a b')).toBe('"my field":"a b"');
    expect(printTerm('k', '/cart')).toBe('k:"/cart"');
    expect(printTerm('k', '1..2')).toBe('k:"1..2"');
    expect(printTerm('k', 'OR')).toBe('k:"OR"');
    expect(printTerm('k', '-1')).toBe('k:-1');
    expect(printTerm('', '-1')).toBe('"-1"');
    expect(printTerm('k', 'Zürich')).toBe('k:Zürich');
  });

  it('drops AND with the term that it joined', () => {
    expect(withoutTerm('a AND k:v AND b', parseTerms('k:v')[0]!)).toBe('a b');
  });
});
