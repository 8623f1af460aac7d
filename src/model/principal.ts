// Who is asking, and whether what the system decides is carried out.

/** `system` is the program itself (rules, verification); `loopback` an unnamed caller on this machine. */
export type Principal =
  | { readonly kind: 'system'; readonly part: string }
  | { readonly kind: 'loopback' }
  | { readonly kind: 'user'; readonly name: string; readonly roles: readonly Role[] };

export type Role = 'viewer' | 'operator' | 'admin';

export function principalName(principal: Principal): string {
  if (principal.kind === 'user') return principal.name;
  return principal.kind === 'system' ? `system:${principal.part}` : 'loopback';
}

/**
 * `live` sends and acts; `shadow` evaluates everything and journals what it would have sent and done;
 * `dry_run` is the same for one rehearsal asked for by a person.
 */
export type Effects = 'live' | 'shadow' | 'dry_run';
