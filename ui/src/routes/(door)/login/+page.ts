import { redirect } from '@sveltejs/kit';
import { session } from '#lib/state/session.svelte.ts';
import { safeNext } from '../next.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent, url }) => {
  await parent();
  if (session.current?.setup_required) redirect(307, '/setup');
  if (session.user) redirect(307, safeNext(url.searchParams.get('next')));
};
