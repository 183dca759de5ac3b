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
});
