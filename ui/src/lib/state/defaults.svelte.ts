/** What a project's pages open with when the address does not say: its range and environment. */
import { SvelteMap } from 'svelte/reactivity';
import { api } from '#lib/api/client.ts';
import type { Resource } from '#lib/api/types.ts';
import { parse } from '#lib/time/grammar.ts';
import { DEFAULT_RANGE, type Range } from '#lib/time/range.ts';

export interface Opening {
  readonly range: Range;
  readonly environment: string;
}

const USUAL: Opening = { range: DEFAULT_RANGE, environment: '' };

class Defaults {
  readonly #known = new SvelteMap<string, Opening>();
  readonly #asked = new Map<string, Promise<void>>();

  of(project: string | undefined): Opening {
    return (project && this.#known.get(project)) || USUAL;
  }

  /** Ask once per project; a project whose settings cannot be read opens as usual. */
  load(project: string): Promise<void> {
    let asked = this.#asked.get(project);
    if (!asked) this.#asked.set(project, (asked = this.#ask(project)));
    return asked;
  }

  async #ask(project: string): Promise<void> {
    try {
      const { spec } = await api<Resource>('/api/resources/project-settings/default', {
        params: { project },
      });
      this.adopt(project, spec);
    } catch {
      this.#known.set(project, USUAL);
    }
  }

  /** The settings were changed here. */
  adopt(project: string, spec: Record<string, unknown>): void {
    const text = (name: string): string => (typeof spec[name] === 'string' ? spec[name] : '');
    this.#known.set(project, {
      range: parse(text('default_range'), Date.now()) ?? DEFAULT_RANGE,
      environment: text('default_environment'),
    });
  }
}

export const defaults = new Defaults();
