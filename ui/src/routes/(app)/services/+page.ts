import { redirect } from '@sveltejs/kit';
import type { PageLoad } from './$types';

/** The overview is the list of services. */
export const load: PageLoad = ({ url }) => redirect(307, `/overview${url.search}`);
