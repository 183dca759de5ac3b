/** Who is signed in and what they may see; loaded once, before the first page. */
import { goto } from '$app/navigation';
import { api, wire } from '#lib/api/client.ts';
import type { Session } from '#lib/api/types.ts';

const RANK = ['viewer', 'responder', 'deployer', 'admin'] as const;
export type Rank = (typeof RANK)[number];

class SessionState {
  current = $state.raw<Session | null>(null);

  readonly user = $derived(this.current?.user ?? null);

  /** Ask the server who we are. */
  async load(): Promise<Session> {
    return this.adopt(await api<Session>('/api/session', { guarded: false }));
  }

  adopt(next: Session): Session {
    this.current = next;
    wire.csrf = next.csrf_token ?? '';
    return next;
  }

  /** Roles are cumulative: does the user's reach this one? */
  may(role: Rank): boolean {
    const mine = RANK.indexOf((this.user?.role ?? '') as Rank);
    return mine >= RANK.indexOf(role);
  }

  signOut = async (): Promise<void> => {
    await api('/api/logout', { method: 'POST', guarded: false });
    this.current = null;
    wire.csrf = '';
    await goto('/login');
  };
}

export const session = new SessionState();

wire.signedOut = () => {
  if (!session.current?.user) return;
  session.current = null;
  const back = location.pathname + location.search;
  void goto(`/login?next=${encodeURIComponent(back)}`);
};
