import { redirect } from '@sveltejs/kit';
import { session } from '#lib/state/session.svelte.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent }) => {
  await parent();
  if (session.current && !session.current.setup_required) redirect(307, '/login');
};
