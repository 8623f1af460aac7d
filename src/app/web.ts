// Of the section "web", with the web configuration file: what a reload puts in force, and what stays as it was at the start.

import type { Config } from '../config/index.ts';

type Web = Config['web'];

/** What belongs to the socket and to the paths that clients know: another of these takes effect at the next start. */
export function fixedPartOf({ listenHost, listenPort, routePrefix, tls }: Web): unknown {
  return { listenHost, listenPort, routePrefix, hasTls: tls !== undefined };
}

/** What is in force after `before`: certificates change, whether there is TLS at all does not. */
export function inForceAfter(before: Web, next: Web): Web {
  const { tls: _, ...rest } = next;
  const tls = before.tls === undefined ? undefined : (next.tls ?? before.tls);
  const { listenHost, listenPort, routePrefix } = before;
  return { ...rest, listenHost, listenPort, routePrefix, ...(tls === undefined ? {} : { tls }) };
}
