/**
 * A dashboard being looked at or edited. Changes go into a draft with a way back and forth; saving
 * sends what was read as If-Match, so that nobody's change is overwritten unseen.
 */
import { ApiError, api } from '#lib/api/client.ts';
import type { Resource } from '#lib/api/types.ts';
import { t } from '#lib/i18n/index.svelte.ts';
import { nameOf } from '#lib/resources/name.ts';
import { session } from '#lib/state/session.svelte.ts';
import { view } from '#lib/state/view.svelte.ts';
import { below, change, freshId, inOrder, rowOf, settle, type Box } from './grid';
import type { Dashboard, Head, Panel, Spec } from './types';

const MOST_STEPS = 100;
export const PATH = '/api/resources/dashboard';

export class Board {
  /** As the server has it. */
  readonly #base = $state.raw<Dashboard>() as Dashboard;
  #past = $state.raw<readonly Spec[]>([]);
  #future = $state.raw<readonly Spec[]>([]);
  #draft = $state.raw<Spec | null>(null);
  /** The kind of the last change: the same again is the same step back. */
  #last = '';
  arranging = $state(false);
  /** The panel in the editor. */
  editing = $state<string | null>(null);
  conflict = $state(false);
  error = $state.raw<unknown>(null);
  busy = $state(false);

  constructor(base: Dashboard) {
    const panels = settle(base.spec.panels).sort(inOrder);
    this.#base = { ...base, spec: { ...base.spec, panels } };
  }

  get base(): Dashboard {
    return this.#base;
  }

  readonly spec: Spec = $derived(this.#draft ?? this.#base.spec);
  readonly changed = $derived(
    this.#draft !== null && JSON.stringify(this.#draft) !== JSON.stringify(this.#base.spec),
  );
  readonly canUndo = $derived(this.#past.length > 0);
  readonly canRedo = $derived(this.#future.length > 0);
  readonly may = $derived(session.may('responder'));

  get locked(): boolean {
    return this.#base.read_only || !this.may;
  }

  panel(id: string | null): Panel | undefined {
    return id === null ? undefined : this.spec.panels.find((each) => each.id === id);
  }

  /** `what` names the change, so that typing a title is one step back and not twenty. */
  set(next: Partial<Spec>, what = ''): void {
    if (!what || what !== this.#last) this.#past = [...this.#past, this.spec].slice(-MOST_STEPS);
    this.#last = what;
    this.#future = [];
    this.#draft = { ...this.spec, ...next };
  }

  undo = (): void => {
    const before = this.#past.at(-1);
    if (!before) return;
    this.#future = [this.spec, ...this.#future];
    this.#past = this.#past.slice(0, -1);
    this.#draft = before;
    this.#last = '';
  };

  redo = (): void => {
    const [next, ...rest] = this.#future;
    if (!next) return;
    this.#past = [...this.#past, this.spec];
    this.#future = rest;
    this.#draft = next;
    this.#last = '';
  };

  discard = (): void => {
    this.#draft = null;
    this.#past = [];
    this.#future = [];
    this.#last = '';
    this.editing = null;
    this.arranging = false;
    this.conflict = false;
    this.error = null;
  };

  place(id: string, to: Partial<Omit<Box, 'id'>>, what: string): void {
    this.set({ panels: change(this.spec.panels, id, to) }, what);
  }

  edit(id: string, changes: Partial<Panel>, what = ''): void {
    const panels = this.spec.panels.map((each) =>
      each.id === id ? { ...each, ...changes } : each,
    );
    const name = Object.keys(changes).join(' ');
    this.set({ panels }, what || `edit ${id} ${name}`);
  }

  /** Below everything; the id it has got. */
  add(panel: Panel): string {
    const id = freshId(this.spec.panels);
    const y = below(this.spec.panels);
    this.set({ panels: settle([...this.spec.panels, { ...panel, id, x: 0, y }]) });
    return id;
  }

  /** Beside the original when there is room, else below it. */
  duplicate(id: string): string | null {
    const panel = this.panel(id);
    if (!panel) return null;
    const copy = freshId(this.spec.panels);
    const right = panel.x + 2 * panel.w <= 24;
    const at = right ? { x: panel.x + panel.w } : { y: panel.y + panel.h };
    this.set({ panels: settle([...this.spec.panels, { ...panel, ...at, id: copy }], copy) });
    return copy;
  }

  /** A row goes alone, or with what is below it. */
  remove(id: string, withPanels = false): void {
    const rows = rowOf(this.spec.panels);
    const kept = this.spec.panels.filter(
      (each) => each.id !== id && !(withPanels && rows.get(each.id) === id),
    );
    if (this.editing === id) this.editing = null;
    this.set({ panels: settle(kept) });
  }

  /** What stands on the server now; null when it could not be saved, and why is in `error`. */
  async save(force = false): Promise<Resource | null> {
    this.busy = true;
    this.error = null;
    this.conflict = false;
    try {
      const spec = { ...this.spec, panels: [...this.spec.panels].sort(inOrder) };
      return await put(this.base.name, spec, force ? {} : { 'If-Match': `"${this.base.etag}"` });
    } catch (error) {
      this.conflict = error instanceof ApiError && error.status === 412;
      this.error = error;
      return null;
    } finally {
      this.busy = false;
    }
  }
}

export function put(name: string, spec: Spec, headers: Record<string, string>): Promise<Resource> {
  return api<Resource>(`${PATH}/${encodeURIComponent(name)}`, {
    method: 'PUT',
    params: { project: view.project?.slug },
    body: { spec },
    headers,
  });
}

/** A new dashboard under a name that none has; the name. */
export async function create(spec: Spec, others: readonly string[]): Promise<string> {
  const name = nameOf(spec.title, others, 'dashboard');
  await put(name, spec, { 'If-None-Match': '*' });
  return name;
}

export const list = (): Promise<Head[]> =>
  api<{ items: Head[] }>('/api/dashboards', { params: { project: view.project?.slug } }).then(
    ({ items }) => items,
  );

/** The spec of one, as a dashboard of one's own. */
export async function copy(name: string): Promise<string> {
  const [found, others] = await Promise.all([
    api<Dashboard>(`/api/dashboards/${encodeURIComponent(name)}`, {
      params: { project: view.project?.slug },
    }),
    list(),
  ]);
  const title = t.dashboards.copyOf(found.title).slice(0, 120);
  return create(
    { ...found.spec, title },
    others.map((each) => each.name),
  );
}

export const blankSpec = (title: string): Spec => ({
  title,
  description: '',
  tags: [],
  range: '',
  interval: '1m',
  variables: [],
  panels: [],
  links: [],
});
