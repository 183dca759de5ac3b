import { language } from '#lib/i18n/index.svelte.ts';
import { session } from '#lib/state/session.svelte.ts';
import { asApiError, type ApiError } from '#lib/api/client.ts';
import type { LayoutLoad } from './$types';

// A single-page application: the server sends one shell and the API.
export const ssr = false;
export const prerender = false;

export const load: LayoutLoad = async (): Promise<{ failure: ApiError | null }> => {
  const [answer] = await Promise.allSettled([
    session.current ? Promise.resolve(session.current) : session.load(),
    language.init(),
  ]);
  return { failure: answer.status === 'rejected' ? asApiError(answer.reason) : null };
};
