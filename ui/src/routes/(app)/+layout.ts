import { redirect } from '@sveltejs/kit';
import { defaults } from '#lib/state/defaults.svelte.ts';
import { session } from '#lib/state/session.svelte.ts';
import type { LayoutLoad } from './$types';

/** Nobody sees the application before the server is set up and they have signed in. */
export const load: LayoutLoad = async ({ parent, url }) => {
  await parent();
  if (session.current?.setup_required) redirect(307, '/setup');
  if (session.current && !session.current.user) {
    const back = url.pathname + url.search;
    redirect(307, back === '/' ? '/login' : `/login?next=${encodeURIComponent(back)}`);
  }
  // What the first project on screen opens with, before its first query runs.
  const known = session.current?.projects ?? [];
  const asked = url.searchParams.get('project');
  const project = known.find((each) => each.slug === asked) ?? known[0];
  if (project) await defaults.load(project.slug);
};
