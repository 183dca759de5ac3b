/** Searching inside a trace: names, services, messages and every attribute. */
import type { Span } from './types';

const texts = new WeakMap<Span, string>();

function textOf(span: Span): string {
  let text = texts.get(span);
  if (text === undefined) {
    const parts = [span.name, span.service, span.status_message, span.span_id];
    text = `${parts.join('\n')}\n${JSON.stringify(span.attributes)}\n${JSON.stringify(span.events)}`;
    texts.set(span, (text = text.toLowerCase()));
  }
  return text;
}

/** The ids of the spans that hold every word, in the order given. */
export function findSpans(spans: readonly Span[], sought: string): string[] {
  const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  return spans
    .filter((span) => words.every((word) => textOf(span).includes(word)))
    .map((span) => span.span_id);
}
