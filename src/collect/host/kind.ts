// What a collector is: one file each, all of this shape; the registry is a list of them.

import type { Clock, Exec } from '../../base/index.ts';
import type { HostFacts } from './facts.ts';
import type { HostFiles } from './files.ts';
import type { Page } from './page.ts';
import type { HostSettings } from './settings.ts';

/** What every collector is given. */
export interface Host {
  readonly files: HostFiles;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly facts: HostFacts;
  readonly settings: HostSettings;
  /** Whether a settings pattern is found in a text; "" is never found. */
  matcher(pattern: string): (text: string) => boolean;
  /** "stat" → "/proc/stat" */
  proc(path: string): string;
  sys(path: string): string;
  root(path: string): string;
}

/**
 * `ok`: read. `absent`: this host has no such thing, as usual. `failed`: it should have worked.
 * What was put on the page before stays there in each case.
 */
export type Outcome =
  | { readonly kind: 'ok' }
  | { readonly kind: 'absent'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

export const OK: Outcome = { kind: 'ok' };

export function absent(reason: string): Outcome {
  return { kind: 'absent', reason };
}

export function failed(reason: string): Outcome {
  return { kind: 'failed', reason };
}

/** Reads once and puts what it found on the page; the signal aborts when its time is over. */
export type Collect = (page: Page, signal: AbortSignal) => Promise<Outcome>;

export interface CollectorKind {
  /** node_exporter's name of it. */
  readonly name: string;
  readonly enabledByDefault: boolean;
  /** `linux` reads /proc and /sys; `any` lives on the facts alone and is what other systems have. */
  readonly platform: 'linux' | 'any';
  /** Called once; what a collector remembers between collections lives in the closure. */
  create(host: Host): Collect;
}
