/** The pages, grouped by the verbs. A page that does not exist yet has no line here. */
import { t } from '#lib/i18n/index.svelte.ts';
import { session } from '#lib/state/session.svelte.ts';

export interface Place {
  readonly path: string;
  readonly label: string;
  readonly keys: string;
  readonly icon: string;
  /** Other paths that light this entry up. */
  readonly also?: readonly string[];
}

export interface PlaceGroup {
  readonly label: string;
  readonly places: readonly Place[];
}

export function places(): readonly PlaceGroup[] {
  const more: Place[] = [
    { path: '/sql', label: t.sql.name, keys: 'g q', icon: 'sql' },
    { path: '/send', label: t.health.send.title, keys: 'g a', icon: 'send' },
    { path: '/data-health', label: t.health.page.title, keys: 'g y', icon: 'health' },
    { path: '/settings', label: t.nav.settings, keys: 'g s', icon: 'settings' },
  ];
  if (session.current?.demo)
    more.unshift({ path: '/demo', label: t.nav.demo, keys: 'g d', icon: 'demo' });
  return [
    {
      label: t.nav.see,
      places: [
        {
          path: '/overview',
          label: t.nav.overview,
          keys: 'g o',
          icon: 'overview',
          also: ['/services'],
        },
        { path: '/explore', label: t.metrics.title, keys: 'g x', icon: 'metrics' },
        { path: '/dashboards', label: t.dashboards.title, keys: 'g v', icon: 'dashboards' },
        { path: '/map', label: t.map.title, keys: 'g m', icon: 'map' },
        { path: '/traces', label: t.nav.traces, keys: 'g t', icon: 'traces' },
        { path: '/logs', label: t.nav.logs, keys: 'g l', icon: 'logs' },
        { path: '/errors', label: t.errors.title, keys: 'g e', icon: 'errors' },
        { path: '/bottlenecks', label: t.nav.bottlenecks, keys: 'g b', icon: 'bottlenecks' },
        { path: '/hosts', label: t.hosts.title, keys: 'g h', icon: 'hosts' },
        { path: '/targets', label: t.targets.title, keys: 'g r', icon: 'targets' },
        { path: '/rules', label: t.rules.title, keys: 'g c', icon: 'rules' },
      ],
    },
    { label: t.nav.more, places: more },
  ];
}

export function isHere(place: Place, pathname: string): boolean {
  return [place.path, ...(place.also ?? [])].some(
    (path) => pathname === path || pathname.startsWith(`${path}/`),
  );
}
