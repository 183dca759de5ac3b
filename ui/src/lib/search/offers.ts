/** What is offered while a search is being typed, and the text that taking it leaves. */
import type { components } from '#lib/api/schema.d.ts';
import { toIndex } from './points.ts';

type Completion = components['schemas']['Completion'];
type Item = Completion['items'][number];

export interface Offer {
  readonly label: string;
  readonly kind: Item['kind'] | 'recent';
  readonly count: number | null;
  /** The whole text with the offer in it, and where the caret then stands. */
  readonly text: string;
  readonly caret: number;
  /** Finished: search at once. */
  readonly whole: boolean;
}

export function offersOf(text: string, completion: Completion): Offer[] {
  const start = toIndex(text, completion.start);
  const end = toIndex(text, completion.end);
  const rest = text.slice(end);
  return completion.items
    .filter((item) => item.text !== text.slice(start, end))
    .map(({ text: put, label, kind, count }) => {
      const whole = kind === 'value' || kind === 'term' || put.endsWith(':*');
      const blank = (whole || kind === 'keyword') && !/^[\s)\]}]/.test(rest) ? ' ' : '';
      const before = text.slice(0, start) + put + blank;
      return {
        label,
        kind,
        count: count ?? null,
        text: before + rest,
        caret: before.length,
        whole,
      };
    });
}

export const recentOffers = (searches: readonly string[]): Offer[] =>
  searches.map((text) => ({
    label: text,
    kind: 'recent',
    count: null,
    text,
    caret: text.length,
    whole: true,
  }));
