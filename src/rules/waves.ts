// In which order the rules of a group are evaluated: in waves, each of rules that do not depend on one another.
//
// Whatever the waves are, the outcome is that of one rule after the other: a rule sees what rules before it wrote at the same
// time, and of those behind it what they wrote the time before. (Prometheus evaluates rules side by side only where none reads
// another's series, and all others in their order.)

import { type Reads, readsOf, writesOf } from './reads.ts';
import type { Rule } from './rule.ts';

/**
 * Positions in `rules`, each once, ascending within a wave. All of a wave may be asked at once; their series are written, in
 * their order, when all have been answered and before the next wave begins.
 */
export function wavesOf(rules: readonly Rule[]): readonly (readonly number[])[] {
  const waves: number[][] = [];
  const seen = new Seen();
  rules.forEach((rule, position) => {
    const reads = readsOf(rule);
    const writes = writesOf(rule);
    const wave = Math.max(seen.afterWritersOf(reads), seen.notBeforeUsersOf(writes));
    seen.add({ wave, reads, writes });
    while (waves.length <= wave) waves.push([]);
    waves[wave]?.push(position);
  });
  return waves;
}

/** Owns what is known of the rules that stand before one. */
class Seen {
  /** The last wave that writes a name. */
  readonly #writtenIn = new Map<string, number>();
  /** The last wave that reads it by its name. */
  readonly #readIn = new Map<string, number>();
  /** Those that read by a pattern. */
  readonly #patterns: { readonly wave: number; readonly test: (name: string) => boolean }[] = [];

  add(rule: { readonly wave: number; readonly reads: Reads; readonly writes: readonly string[] }): void {
    const { wave, reads, writes } = rule;
    for (const name of writes) raise(this.#writtenIn, name, wave);
    for (const name of reads.names) raise(this.#readIn, name, wave);
    for (const test of reads.patterns) this.#patterns.push({ wave, test });
  }

  /** The first wave in which all is there that stands before and is read. */
  afterWritersOf({ names, patterns }: Reads): number {
    let wave = 0;
    for (const name of names) wave = Math.max(wave, (this.#writtenIn.get(name) ?? -1) + 1);
    if (patterns.length === 0) return wave;
    for (const [name, written] of this.#writtenIn) {
      if (written >= wave && patterns.some(test => test(name))) wave = written + 1;
    }
    return wave;
  }

  /**
   * Who reads a name before it is written anew must not come later than the one that writes it, and of two that write the same
   * series the first one counts.
   */
  notBeforeUsersOf(names: readonly string[]): number {
    let wave = 0;
    for (const name of names) {
      wave = Math.max(wave, this.#readIn.get(name) ?? 0, this.#writtenIn.get(name) ?? 0);
      for (const pattern of this.#patterns) {
        if (pattern.wave > wave && pattern.test(name)) wave = pattern.wave;
      }
    }
    return wave;
  }
}

function raise(waves: Map<string, number>, name: string, wave: number): void {
  waves.set(name, Math.max(waves.get(name) ?? 0, wave));
}
