import { expect, test } from 'vitest';
import { visible } from './visible.ts';

test('terminal escapes and control characters stand as their symbols', () => {
  expect(visible('\u001b[31mred\u001b[0m\u0000\u0007\u007f\u0085')).toBe('␛[31mred␛[0m␀␇␡⟨0085⟩');
});

test('what turns the order of writing, or cannot be seen, stands as its number', () => {
  expect(visible('a\u202eb\u2066c\u200bd\ufeff')).toBe('a⟨202E⟩b⟨2066⟩c⟨200B⟩d⟨FEFF⟩');
});

test('lines, tabs, letters of all scripts and emoji stay', () => {
  const text = 'one\n\ttwo é 漢字 مرحبا 👩‍🚀'.replace('\u200d', '');
  expect(visible(text)).toBe(text);
  expect(visible('a\r\nb\rc')).toBe('a\nb␍c');
});
