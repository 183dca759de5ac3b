/** The frame's own actions: places, time, view, account. Pages add theirs with `offer`. */
import { goto } from '$app/navigation';
import type { Action } from '#lib/actions.svelte.ts';
import { t } from '#lib/i18n/index.svelte.ts';
import { language } from '#lib/i18n/index.svelte.ts';
import { session } from '#lib/state/session.svelte.ts';
import { theme } from '#lib/state/theme.svelte.ts';
import { toasts } from '#lib/state/toasts.svelte.ts';
import { href, view } from '#lib/state/view.svelte.ts';
import { focusSearch, frame } from './frame.svelte';
import { places } from './nav';

async function copyLink(): Promise<void> {
  await navigator.clipboard.writeText(location.href);
  toasts.say(t.actions.linkCopied);
}

function go(): Action[] {
  const pages: Action[] = places()
    .flatMap((group) => group.places)
    .map((place) => ({
      id: `go${place.path.replace('/', '.')}`,
      group: 'go',
      label: place.label,
      keys: place.keys,
      href: href(place.path),
    }));
  return [
    ...pages,
    { id: 'go.account', group: 'go', label: t.nav.account, keys: 'g u', href: href('/account') },
  ];
}

function time(): Action[] {
  return [
    {
      id: 'time.open',
      group: 'time',
      label: t.actions.time,
      keys: 'd',
      run: () => frame.open('time'),
    },
    { id: 'time.earlier', group: 'time', label: t.time.earlier, keys: '[', run: view.earlier },
    { id: 'time.later', group: 'time', label: t.time.later, keys: ']', run: view.later },
    { id: 'time.out', group: 'time', label: t.time.zoomOut, keys: '-', run: view.zoomOut },
    { id: 'time.freeze', group: 'time', label: t.time.freeze, keys: 'f', run: view.freeze },
    {
      id: 'time.live',
      group: 'time',
      label: view.live ? t.bar.pause : t.bar.follow,
      keys: 'p',
      run: view.toggleLive,
    },
    { id: 'time.refresh', group: 'time', label: t.time.refresh, keys: 'r', run: view.refresh },
  ];
}

function look(): Action[] {
  return [
    {
      id: 'view.palette',
      group: 'view',
      label: t.actions.palette,
      keys: 'ctrl+k',
      quiet: true,
      run: () => frame.open('palette'),
    },
    {
      id: 'view.help',
      group: 'view',
      label: t.actions.help,
      keys: '?',
      run: () => frame.open('help'),
    },
    { id: 'view.search', group: 'view', label: t.actions.search, keys: '/', run: focusSearch },
    { id: 'view.link', group: 'view', label: t.actions.copyLink, keys: 'y', run: copyLink },
    { id: 'view.rail', group: 'view', label: t.actions.rail, keys: '\\', run: frame.toggleRail },
    {
      id: 'view.theme',
      group: 'view',
      label: t.actions.theme,
      also: 'theme thème dark light sombre clair',
      run: theme.toggle,
    },
    {
      id: 'view.system',
      group: 'view',
      label: t.actions.themeSystem,
      also: 'theme thème',
      run: () => theme.choose('system'),
    },
    {
      id: 'view.language',
      group: 'view',
      label: t.actions.language,
      also: 'language langue english français',
      run: () => language.use(language.current === 'fr' ? 'en' : 'fr'),
    },
  ];
}

function projects(): Action[] {
  const known = session.current?.projects ?? [];
  if (known.length < 2) return [];
  return known.map((project) => ({
    id: `project.${project.slug}`,
    group: 'project',
    label: project.name || project.slug,
    detail: project.slug,
    run: () => view.set({ project: project.slug, env: null }),
  }));
}

function admin(): Action[] {
  if (!session.may('admin')) return [];
  return [
    {
      id: 'new.project',
      group: 'create',
      label: t.actions.newProject,
      href: href('/settings/projects', { new: true }),
    },
    {
      id: 'new.key',
      group: 'create',
      label: t.actions.newKey,
      href: href('/settings/keys', { new: true }),
    },
    {
      id: 'new.invite',
      group: 'create',
      label: t.actions.invite,
      href: href('/settings/users', { new: true }),
    },
  ];
}

export function frameActions(): readonly Action[] {
  return [
    ...go(),
    ...time(),
    ...look(),
    ...projects(),
    ...admin(),
    { id: 'account.out', group: 'account', label: t.bar.signOut, run: session.signOut },
  ];
}

/** Do what an action says. */
export async function perform(action: Action): Promise<void> {
  if (action.href) await goto(action.href);
  else await action.run?.();
}
