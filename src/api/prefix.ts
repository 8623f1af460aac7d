// The path below which everything is served (`web.route_prefix`): taken off each request before its route is looked for.

/** Below the prefix, at an entry that leads there, or elsewhere. */
export type Placed =
  | { readonly kind: 'inside'; readonly path: string }
  | { readonly kind: 'entry' }
  | { readonly kind: 'outside' };

/** `prefix` begins with a slash and has none at its end; "" is none. */
export function placeOf(path: string, prefix: string): Placed {
  if (prefix === '') return { kind: 'inside', path };
  if (path === '/' || path === prefix) return { kind: 'entry' };
  return path.startsWith(`${prefix}/`)
    ? { kind: 'inside', path: path.slice(prefix.length) }
    : { kind: 'outside' };
}

/**
 * From the page at a path below the prefix to where its files are. It is relative, so that the page finds them under any
 * prefix, also under one that a proxy in front takes off.
 */
export function baseHref(path: string): string {
  const folders = path.split('/').length - 2;
  return folders < 1 ? './' : '../'.repeat(folders);
}
