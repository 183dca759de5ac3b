// Runs once, at build time, when the shell page is written: the fonts are asked for at once.
import inter from '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2?url';
import mono from '@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2?url';
import type { Handle } from '@sveltejs/kit/hooks';

const preload = [inter, mono]
  .map((url) => `<link rel="preload" href="${url}" as="font" type="font/woff2" crossorigin />`)
  .join('\n    ');

export const handle: Handle = ({ event, resolve }) =>
  resolve(event, { transformPageChunk: ({ html }) => html.replace('<!--fonts-->', preload) });
