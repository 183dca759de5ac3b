import { error } from '@sveltejs/kit';

/** An unknown address inside the application keeps the frame around its answer. */
export const load = (): never => error(404, 'not found');
