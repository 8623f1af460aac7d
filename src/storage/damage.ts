// What could not be read: listed with its place, counted, never silent.

import { DAMAGE_LISTED_MAX } from './settings.ts';

export interface Damage {
  readonly code: 'wal-damaged' | 'wal-torn-tail' | 'chunk-damaged' | 'block-damaged';
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly message: string;
}

export class DamageReport {
  readonly #listed: Damage[] = [];
  readonly #onDamage: (damage: Damage) => void;
  #count = 0;

  constructor(onDamage: (damage: Damage) => void) {
    this.#onDamage = onDamage;
  }

  add(damage: Damage): void {
    this.#count++;
    if (this.#listed.length < DAMAGE_LISTED_MAX) this.#listed.push(damage);
    this.#onDamage(damage);
  }

  /** The first so many; `count` says how many there were. */
  get listed(): readonly Damage[] {
    return this.#listed;
  }

  get count(): number {
    return this.#count;
  }
}
