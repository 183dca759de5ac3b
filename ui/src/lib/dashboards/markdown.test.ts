import { describe, expect, it } from 'vitest';
import { blocks, inline, safe } from './markdown';

const text = (words: string) => ({ kind: 'text', text: words });

describe('Markdown', () => {
  it('has headings, paragraphs, lists, quotes, code, rules and tables', () => {
    const found = blocks(
      '# Runbook\n\nFirst *look*,\nthen **act**.\n\n- one\n- two\n  more\n\n1. a\n2. b\n\n> so\n> it is\n\n```\n<b>\n```\n\n---\n\n| a | b |\n|---|---|\n| 1 | `2` |',
    );
    expect(found.map((each) => each.kind)).toEqual([
      'heading',
      'paragraph',
      'list',
      'list',
      'quote',
      'code',
      'rule',
      'table',
    ]);
    expect(found[5]).toEqual({ kind: 'code', text: '<b>' });
    expect(found[7]).toMatchObject({ rows: [[[text('1')], [{ kind: 'code', text: '2' }]]] });
  });

  it('has links to the web and to pages here, and no others', () => {
    expect(inline('[logs](/logs?q=a) https://a.example/b.')).toEqual([
      { kind: 'link', href: '/logs?q=a', inside: [text('logs')] },
      text(' '),
      { kind: 'link', href: 'https://a.example/b', inside: [text('https://a.example/b')] },
      text('.'),
    ]);
    for (const bad of [
      'javascript:alert(1)',
      'JAVASCRIPT:x',
      'data:text/html,x',
      '//evil',
      '/\\evil',
    ])
      expect(safe(bad)).toBe(false);
    expect(inline('[x](javascript:y)')).toEqual([text('[x](javascript:y)')]);
  });

  it('knows no HTML', () => {
    expect(inline('<img src=x onerror=alert(1)>')).toEqual([text('<img src=x onerror=alert(1)>')]);
  });

  it('takes an escaped sign as text', () => {
    expect(inline('\\[a\\]\\(b\\) 2\\*3\\*4')).toEqual([text('[a](b) 2*3*4')]);
  });

  it('comes to an end, however it is nested', () => {
    expect(blocks('>'.repeat(5000) + ' deep')).toHaveLength(1);
    expect(inline('['.repeat(5000))).toHaveLength(1);
    expect(inline('*'.repeat(5000))).toBeTruthy();
    expect(inline('**a'.repeat(3000))).toBeTruthy();
  });
});
