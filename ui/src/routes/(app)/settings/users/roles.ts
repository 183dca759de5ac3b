/** The roles of people, the weakest first, in the viewer's language. */
import { t } from '#lib/i18n/index.svelte.ts';
import { session } from '#lib/state/session.svelte.ts';

export function roleName(role: string): string {
  return t.settings.roles[role as keyof typeof t.settings.roles] ?? role;
}

export function roleOptions(): { value: string; label: string }[] {
  return (session.current?.roles ?? []).map((value) => ({ value, label: roleName(value) }));
}
