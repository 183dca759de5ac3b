/** What an editor needs to know of the language that is written in it. */

export type TokenKind =
  'keyword' | 'name' | 'call' | 'text' | 'number' | 'comment' | 'label' | 'plain';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

export interface Offer {
  readonly text: string;
  readonly help: string;
}

export interface Completion {
  /** Where the word begins that an offer replaces. */
  readonly from: number;
  readonly offers: readonly Offer[];
}

export const NOTHING: Completion = { from: 0, offers: [] };

export interface Language {
  /** Cut into coloured pieces; nothing is lost and nothing judged. */
  readonly tokens: (text: string) => readonly Token[];
  /** What can stand at the cursor; `asked` when somebody wants to know without a word begun. */
  readonly complete: (text: string, cursor: number, asked: boolean) => Completion;
}

const MOST = 40;

/** The offers that fit a word, those that begin with it first. */
export function fitting(offers: readonly Offer[], word: string): Offer[] {
  const wanted = word.toLowerCase();
  const rank = (offer: Offer): number => {
    const text = offer.text.toLowerCase();
    return text.startsWith(wanted) ? 0 : text.includes(wanted) ? 1 : 2;
  };
  return offers
    .map((offer, index) => ({ offer, index, rank: rank(offer) }))
    .filter((each) => each.rank < 2 && each.offer.text.toLowerCase() !== wanted)
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .slice(0, MOST)
    .map((each) => each.offer);
}
