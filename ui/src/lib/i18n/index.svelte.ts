/**
 * One typed catalogue. `t.nav.overview` is a text in the viewer's language and follows a
 * change of it at once; texts with parts are functions. A key that French lacks is a type
 * error. The other language is fetched only when it is used.
 */
import { en } from './en';
import type { Catalogue } from './catalogue';

export type Language = 'en' | 'fr';
export const LANGUAGES: Record<Language, string> = { en: 'English', fr: 'Français' };

class LanguageState {
  #catalogue = $state.raw<Catalogue>(en);
  current = $state<Language>('en');

  /** For `Intl`: the viewer's own variety of the language, en-GB rather than en. */
  get locale(): string {
    const own = navigator.languages.find((each) => each.startsWith(this.current));
    return own ?? (this.current === 'fr' ? 'fr' : 'en-GB');
  }

  get catalogue(): Catalogue {
    return this.#catalogue;
  }

  async use(language: Language, remember = true): Promise<void> {
    this.#catalogue = language === 'fr' ? (await import('./fr')).fr : en;
    this.current = language;
    document.documentElement.lang = language;
    try {
      if (remember) localStorage.setItem('qd-language', language);
    } catch {
      // storage is blocked: the choice lasts as long as the page
    }
  }

  /** The language that theme.js has put on the document. */
  async init(): Promise<void> {
    await this.use(document.documentElement.lang === 'fr' ? 'fr' : 'en', false);
  }
}

export const language = new LanguageState();

export const t: Catalogue = new Proxy({} as Catalogue, {
  get: (_, area: string) => language.catalogue[area as keyof Catalogue],
});
