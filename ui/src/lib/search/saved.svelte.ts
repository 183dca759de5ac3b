/** The searches that the project keeps: one list for the field, the page and the palette. */
import { api } from '#lib/api/client.ts';
import { Query } from '#lib/api/query.svelte.ts';
import type { Resource } from '#lib/api/types.ts';
import { specOf, type Searched, type Spec } from '#lib/explore/saved.ts';
import { t } from '#lib/i18n/index.svelte.ts';
import { nameOf } from '#lib/resources/name.ts';
import { session } from '#lib/state/session.svelte.ts';
import { toasts } from '#lib/state/toasts.svelte.ts';
import { view } from '#lib/state/view.svelte.ts';

const PATH = '/api/resources/saved-search';

/** What the person says of a search, beside what the page says. */
export interface Told {
  readonly title: string;
  readonly description: string;
  readonly pinned: boolean;
}

export const titleOf = ({ name, spec }: Resource): string =>
  typeof spec['title'] === 'string' ? spec['title'] : name;

class Saved {
  readonly #kept = new Query<{ project: string }, { items: Resource[] }>((params, signal) =>
    api(PATH, { params, signal }),
  );
  /** Which dialog is open: the list, or one search being kept or edited. */
  dialog = $state.raw<'list' | 'new' | Resource | null>(null);

  get may(): boolean {
    return session.may('responder');
  }
  get pending(): boolean {
    return this.#kept.pending;
  }
  get error(): unknown {
    return this.#kept.error;
  }

  get all(): readonly Resource[] {
    const here = this.#kept.input?.project === view.project?.slug;
    return here ? (this.#kept.data?.items ?? []) : [];
  }

  /** The pinned first, then by title. */
  of(signal: Searched): readonly Resource[] {
    const pinned = (each: Resource): number => (each.spec['pinned'] === true ? 0 : 1);
    return this.all
      .filter((each) => each.spec['signal'] === signal)
      .sort((a, b) => pinned(a) - pinned(b) || titleOf(a).localeCompare(titleOf(b)));
  }

  load = async (): Promise<void> => {
    const project = view.project?.slug;
    if (project) await this.#kept.run({ project });
  };

  async create(signal: Searched, told: Told): Promise<void> {
    const others = this.all.map((each) => each.name);
    await this.#put(nameOf(told.title, others, 'search'), { ...specOf(signal), ...told }, null);
    toasts.say(t.search.saved.kept(told.title));
  }

  /** Other words for a search, or another search by the same words. */
  async change(resource: Resource, changes: Told | Spec): Promise<void> {
    await this.#put(resource.name, { ...resource.spec, ...changes }, resource);
    toasts.say(t.search.saved.changed(titleOf(resource)));
  }

  async remove(resource: Resource): Promise<void> {
    await api(`${PATH}/${encodeURIComponent(resource.name)}`, {
      method: 'DELETE',
      params: { project: resource.project },
      headers: { 'If-Match': `"${resource.etag}"` },
    });
    await this.load();
    toasts.say(t.search.saved.deleted(titleOf(resource)), {
      undo: () => {
        this.#put(resource.name, resource.spec, null).catch((error: unknown) =>
          toasts.say(String(error), { tone: 'error' }),
        );
      },
    });
  }

  async #put(name: string, spec: Spec, before: Resource | null): Promise<void> {
    await api(`${PATH}/${encodeURIComponent(name)}`, {
      method: 'PUT',
      params: { project: view.project?.slug },
      body: { spec },
      headers: before ? { 'If-Match': `"${before.etag}"` } : { 'If-None-Match': '*' },
    });
    await this.load();
  }
}

export const saved = new Saved();
