import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';

/** The Python package serves what is built here. */
const OUT = '../src/quarterdeck/http/static';

/** Where `npm run dev` sends API calls: a running `quarterdeck serve`. */
const SERVER = 'http://127.0.0.1:4400';

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
  server: { proxy: { '/api': SERVER, '/v1': SERVER } },
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    // Two clock changes a year: what the time field must survive.
    env: { TZ: 'Europe/Paris' },
  },
});
