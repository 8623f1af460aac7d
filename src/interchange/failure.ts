// What goes wrong with a foreign folder: places that make no sense, which are skipped and counted, and a disk that fails.

import type { DiskError } from '../base/index.ts';

/** A part of a file that cannot be read: it is left out, and everything else goes on. */
export interface Damage {
  readonly file: string;
  /** In bytes, where the part begins. */
  readonly offset: number;
  readonly cause: string;
}

export type SourceFailure =
  | ({ readonly kind: 'damaged' } & Damage)
  | { readonly kind: 'disk'; readonly error: DiskError };

export function damaged(file: string, offset: number, cause: string): SourceFailure {
  return { kind: 'damaged', file, offset, cause };
}

/** Places that are listed by name; all are counted. */
export const DAMAGE_LISTED_MAX = 20;

/** Whoever wants to hear of damage. */
export interface DamageSink {
  add(damage: Damage): void;
}

export class DamageList implements DamageSink {
  readonly #listed: Damage[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get listed(): readonly Damage[] {
    return this.#listed;
  }

  add({ file, offset, cause }: Damage): void {
    if (++this.#count <= DAMAGE_LISTED_MAX) this.#listed.push({ file, offset, cause });
  }
}
