/** Where to go after sign-in: a path of ours, never another site. */
export function safeNext(next: string | null): string {
  if (!next || !/^\/(?![/\\])/.test(next) || /\p{Cc}|\\/u.test(next)) return '/overview';
  return /^\/(login|setup|invite|reset)(\/|\?|$)/.test(next) ? '/overview' : next;
}
