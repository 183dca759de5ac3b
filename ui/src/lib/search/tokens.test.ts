import { describe, expect, it } from 'vitest';
import cases from '../../../../tests/data/search_tokens.json';
import { toIndex, toPoints } from './points';
import { piecesOf, tokensOf } from './tokens';

describe('the tokens of a search', () => {
  it.each(cases)('are those of the server: $text', ({ text, tokens }) => {
    const cut = tokensOf(text).map((token) => [
      token.kind,
      toPoints(text, token.start),
      toPoints(text, token.end),
      token.text,
    ]);
    expect(cut).toEqual(tokens);
  });

  it('paint the whole text, with its fault', () => {
    const text = 'a  -f:"b c" OR (level:(warn OR x))';
    const pieces = piecesOf(text, { start: 4, end: 8 });
    expect(pieces.map((each) => each.text).join('')).toBe(text);
    expect(
      pieces
        .filter((each) => each.fault)
        .map((each) => each.text)
        .join(''),
    ).toBe('f:"b');
    expect(pieces.filter((each) => each.look === 'value').map((each) => each.text)).toEqual([
      '"b',
      ' c"',
      'warn',
      'x',
    ]);
  });

  it('are counted in characters on the way to the server and back', () => {
    const text = '😀 a😀b';
    expect(toPoints(text, text.indexOf('b'))).toBe(4);
    expect(toIndex(text, 4)).toBe(text.indexOf('b'));
  });
});
