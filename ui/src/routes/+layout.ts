import { defaults } from '#lib/state/defaults.svelte.ts';
import { language } from '#lib/i18n/index.svelte.ts';
import { session } from '#lib/state/session.svelte.ts';
import { asApiError, type ApiError } from '#lib/api/client.ts';
import type { LayoutLoad } from './$types';

// A single-page application: the server sends one shell and the API.
export const ssr = false;
export const prerender = false;

/** Who asks, and at once what their project opens with: the page's own code is still on its way. */
async function enter(asked: string | null): Promise<void> {
  const { user, projects } = session.current ?? (await session.load());
  const project = projects.find((each) => each.slug === asked) ?? projects[0];
  if (user && project) void defaults.load(project.slug);
}

export const load: LayoutLoad = async ({ url }): Promise<{ failure: ApiError | null }> => {
  const [answer] = await Promise.allSettled([
    enter(url.searchParams.get('project')),
    language.init(),
  ]);
  return { failure: answer.status === 'rejected' ? asApiError(answer.reason) : null };
};
