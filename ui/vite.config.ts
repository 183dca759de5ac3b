import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';

/** The Python package serves what is built here. */
const OUT = '../src/quarterdeck/http/static';

/** Where `npm run dev` sends API calls: a running `quarterdeck serve`. */
const SERVER = 'http://127.0.0.1:4400';

/**
 * Chunks by when they are needed. Left to itself the bundler cuts sixty of a kilobyte each, and
 * over HTTP/1.1, six at a time, they cost ten round trips. What is asked for later (French, the
 * palette, the help) stays out, and so do the charts of pages that draw none. A chunk takes along
 * what its modules import, hence the order.
 */
const CHUNKS = [
  // What the start waits for before it lets the rest of the framework look at its version.
  { name: 'start', priority: 9, test: /runtime.client.payload|preload-helper/ },
  {
    name: 'base',
    priority: 4,
    test: /node_modules.svelte\W|lib.(api|state|time)\W|lib.[\w.]+\.ts$|lib.i18n.(en|index)/,
  },
  { name: 'ui', priority: 3, test: /lib.ui\W/, minShareCount: 5 },
  {
    name: 'explore',
    priority: 2,
    test: /lib.(explore|setup)\W|lib.charts.(crosshair|scale|series|settled|zoom)/,
    minShareCount: 3,
  },
  {
    name: 'charts',
    priority: 1,
    test: /node_modules.uplot|lib.charts.(TimeChart|Chart|Legend|plot)/,
  },
];

export default defineConfig({
  plugins: [
    sveltekit({
      compilerOptions: { runes: true },
      adapter: adapter({ pages: OUT, assets: OUT, fallback: 'index.html', precompress: true }),
      csp: {
        mode: 'hash',
        directives: {
          'default-src': ['none'],
          'script-src': ['self'],
          'style-src': ['self'],
          'style-src-attr': ['unsafe-inline'],
          'img-src': ['self', 'data:', 'blob:'],
          'font-src': ['self'],
          'connect-src': ['self'],
          'manifest-src': ['self'],
          'worker-src': ['self'],
          'form-action': ['self'],
          'base-uri': ['none'],
        },
      },
      version: { pollInterval: 300_000 },
    }),
  ],
  build: { target: 'es2022' },
  environments: {
    client: {
      build: {
        rolldownOptions: {
          output: { codeSplitting: { groups: CHUNKS } },
        },
      },
    },
  },
  server: { proxy: { '/api': SERVER, '/v1': SERVER } },
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    // Two clock changes a year: what the time field must survive.
    env: { TZ: 'Europe/Paris' },
  },
});
