/** Issues as the server tells of them, and what a person does to them. */
import { api, asApiError } from '#lib/api/client.ts';
import type { components } from '#lib/api/schema.d.ts';
import { t } from '#lib/i18n/index.svelte.ts';
import { toasts } from '#lib/state/toasts.svelte.ts';
import { view } from '#lib/state/view.svelte.ts';

type Schemas = components['schemas'];

export type Issue = Schemas['IssueView'];
export type IssueList = Schemas['IssueList'];
export type IssueDetail = Schemas['IssueDetail'];
export type Group = Schemas['GroupView'];
export type Happened = Schemas['HistoryView'];
export type Status = Issue['status'];
export type Change = Partial<Schemas['Change']>;

/** One event in full; `payload` is as it was sent (`payload.ts` reads it). */
export interface ErrorEvent {
  readonly id: string;
  readonly time_ms: number;
  readonly title: string;
  readonly level: string;
  readonly release: string;
  readonly environment: string;
  readonly service: string;
  readonly trace: string;
  readonly span: string;
  readonly sdk: string;
  readonly payload: unknown;
  readonly before: string;
  readonly after: string;
}

export const STATUSES = ['unresolved', 'resolved', 'ignored'] as const;
export const SORTS = ['last', 'first', 'events', 'users'] as const;
const TONES = ['critical', 'high', 'medium', 'low'] as const;

export const tone = (severity: string): (typeof TONES)[number] | 'plain' =>
  TONES.find((each) => each === severity) ?? 'plain';

export const pathOf = (id: string, rest = ''): string =>
  `/api/issues/${encodeURIComponent(id)}${rest}`;

const params = (): { project: string } => ({ project: view.project?.slug ?? '' });

const patch = (issue: Issue, body: Change): Promise<Issue> =>
  api<Issue>(pathOf(issue.id), { method: 'PATCH', params: params(), body });

/** Send a change to all, then `done`; the status can be undone. What fails is said, not thrown. */
export async function change(
  issues: readonly Issue[],
  body: Change,
  done: () => unknown,
): Promise<void> {
  try {
    for (const each of issues) await patch(each, body);
    if (body.status) toasts.say(t.errors.said[body.status](issues.length), { undo });
    else toasts.say(t.errors.said.assigned(body.assignee ?? ''));
  } catch (error) {
    toasts.say(asApiError(error).message, { tone: 'error' });
  }
  done();

  function undo(): void {
    const back = issues.map((each) =>
      patch(each, { status: each.status, ignored_until: each.ignored_until }),
    );
    void Promise.allSettled(back).then(done);
  }
}

export async function merge(into: Issue, others: readonly Issue[]): Promise<void> {
  await api(pathOf(into.id, '/merge'), {
    method: 'POST',
    params: params(),
    body: { issues: others.map((each) => each.id) },
  });
  toasts.say(t.errors.said.merged);
}

export async function split(issue: Issue, group: Group): Promise<void> {
  await api(pathOf(issue.id, '/split'), {
    method: 'POST',
    params: params(),
    body: { group: group.of_group },
  });
  toasts.say(t.errors.said.split);
}

export const comment = (issue: Issue, text: string): Promise<void> =>
  api(pathOf(issue.id, '/comments'), { method: 'POST', params: params(), body: { text } });
