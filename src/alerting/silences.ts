// Silences in memory: which of them fit an alert, without trying every silence on every alert.

import { assert } from '../base/index.ts';
import {
  type CompiledMatcher,
  compileMatchers,
  type Labels,
  labelPairs,
  type Matcher,
  matchesAll,
  type Silence,
  silenceState,
} from '../model/index.ts';

interface Kept {
  readonly silence: Silence;
  readonly matchers: readonly CompiledMatcher[];
}

/** What an alert remembers: the silences that fit its labels, of all that there were up to a version. */
export interface SilenceCheck {
  version: number;
  ids: readonly string[];
}

export function unchecked(): SilenceCheck {
  return { version: 0, ids: [] };
}

/**
 * Owns the silences. The matchers of an id never change (a change of matchers makes a new silence), so that an alert looks
 * at each silence once: later it asks only what came since.
 */
export class SilenceBook {
  readonly #kept = new Map<string, Kept>();
  /** Those that are kept, in the order in which they came. */
  #arrivals: { readonly id: string; readonly version: number }[] = [];
  /** Counts up with each that comes. */
  #version = 0;
  /** By the first matcher that wants one very value: name → value → ids. */
  readonly #byValue = new Map<string, Map<string, Set<string>>>();
  /** Those without such a matcher. */
  readonly #others = new Set<string>();

  get size(): number {
    return this.#kept.size;
  }

  get(id: string): Silence | undefined {
    return this.#kept.get(id)?.silence;
  }

  all(): readonly Silence[] {
    return [...this.#kept.values()].map(one => one.silence);
  }

  /** Takes in a silence whose matchers were checked, or the new word on one that is known. */
  put(silence: Silence): void {
    const known = this.#kept.get(silence.id);
    if (known !== undefined) {
      this.#kept.set(silence.id, { ...known, silence });
      return;
    }
    const matchers = compileMatchers(silence.matchers);
    assert(matchers.ok, 'the matchers of a silence are checked before it is kept');
    this.#kept.set(silence.id, { silence, matchers: matchers.value });
    this.#version += 1;
    this.#arrivals.push({ id: silence.id, version: this.#version });
    this.#placeOf(silence).add(silence.id);
  }

  /** Forgets what ended before; the ids that are gone. */
  forget(endedBeforeMs: number): readonly string[] {
    const gone = this.all().filter(one => one.endsAtMs < endedBeforeMs);
    for (const silence of gone) {
      this.#kept.delete(silence.id);
      this.#leavePlace(silence);
    }
    if (gone.length > 0) this.#arrivals = this.#arrivals.filter(({ id }) => this.#kept.has(id));
    return gone.map(one => one.id);
  }

  /** Ids of the silences that are active now and fit, in order. `check` is the alert's own memory and is brought up to date. */
  silencing(labels: Labels, check: SilenceCheck, nowMs: number): readonly string[] {
    if (check.version !== this.#version) this.#bringUpToDate(labels, check);
    if (check.ids.length === 0) return [];
    return check.ids.filter(id => {
      const kept = this.#kept.get(id);
      return kept !== undefined && silenceState(kept.silence, nowMs) === 'active';
    });
  }

  #bringUpToDate(labels: Labels, check: SilenceCheck): void {
    const candidates = check.version === 0 ? this.#candidates(labels) : this.#since(check.version);
    const fitting = candidates.filter(id => {
      const kept = this.#kept.get(id);
      return kept !== undefined && matchesAll(kept.matchers, labels);
    });
    if (fitting.length > 0) {
      // An alert that lives long would remember all that ever fitted it.
      const before = check.ids.filter(id => this.#kept.has(id) && !fitting.includes(id));
      check.ids = [...before, ...fitting].sort();
    }
    check.version = this.#version;
  }

  #since(version: number): readonly string[] {
    let from = this.#arrivals.length;
    while (from > 0 && (this.#arrivals[from - 1]?.version ?? 0) > version) from--;
    return this.#arrivals.slice(from).map(({ id }) => id);
  }

  #candidates(labels: Labels): readonly string[] {
    const ids = [...this.#others];
    for (const [name, value] of labelPairs(labels)) ids.push(...(this.#byValue.get(name)?.get(value) ?? []));
    return ids;
  }

  #placeOf(silence: Silence): Set<string> {
    const exact = exactOf(silence);
    if (exact === undefined) return this.#others;
    let values = this.#byValue.get(exact.name);
    if (values === undefined) {
      values = new Map();
      this.#byValue.set(exact.name, values);
    }
    let ids = values.get(exact.value);
    if (ids === undefined) {
      ids = new Set();
      values.set(exact.value, ids);
    }
    return ids;
  }

  /** Values that nobody wants any more take no room. */
  #leavePlace(silence: Silence): void {
    const place = this.#placeOf(silence);
    place.delete(silence.id);
    const exact = exactOf(silence);
    if (exact === undefined || place.size > 0) return;
    const values = this.#byValue.get(exact.name);
    values?.delete(exact.value);
    if (values?.size === 0) this.#byValue.delete(exact.name);
  }
}

/** The first matcher that wants one very value. */
function exactOf({ matchers }: Silence): Matcher | undefined {
  return matchers.find(one => one.op === '=' && one.value !== '');
}
