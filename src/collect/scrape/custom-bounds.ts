// Classic histograms of a page as native ones with custom bounds (convert_classic_histograms_to_nhcb): the lines of one
// histogram stand together, so that it is complete when a line of something else comes.

import { decodeSeries } from '../../exposition/index.ts';
import {
  type ClassicHistogram,
  type Exemplar,
  histogramOfClassic,
  METRIC_NAME,
  type NativeHistogram,
} from '../../model/index.ts';

/** What a sample brings beside its entry. */
export interface SampleFacts {
  readonly valueWords: Uint32Array;
  readonly timestampMs: number;
  readonly startMs: number;
  readonly histogram: NativeHistogram | undefined;
  readonly exemplars: readonly Exemplar[];
}

export interface ConvertedHistogram extends SampleFacts {
  /** The text that the series would have in a page. */
  readonly text: Uint8Array;
}

/** A sample in a page. */
interface Line {
  readonly entry: number;
  readonly text: () => Uint8Array;
  readonly value: number;
  /** Whether the type that is in force is that of the sample's own family. */
  readonly isTypeSure: boolean;
}

type Role =
  | { readonly kind: 'none' }
  | { readonly kind: 'bucket'; readonly group: string; readonly bound: number }
  | { readonly kind: 'sum' | 'count'; readonly group: string };

const NONE: Role = { kind: 'none' };
const ANY_VALUE = new Uint32Array(new Float64Array([Number.NaN]).buffer);

interface Gathered extends ClassicHistogram {
  readonly group: string;
  readonly buckets: { readonly bound: number; readonly count: number }[];
  sum: number;
  count: number | undefined;
  timestampMs: number;
  startMs: number;
  readonly exemplars: Exemplar[];
}

/** Owns what the texts of one target mean, and the histogram whose lines are being read. */
export class CustomBoundsCollector {
  readonly #roles = new Map<number, Role>();
  /** Those of which a bucket was seen. */
  readonly #groups = new Set<string>();
  #gathered: Gathered | undefined;

  /** What texts mean is worked out anew: their numbers are given again. */
  forget(): void {
    this.#roles.clear();
    this.#groups.clear();
    this.#gathered = undefined;
  }

  /** Whether a sample is one of a classic histogram, which it then is part of. `finished` gets what that completes. */
  take(line: Line, facts: SampleFacts, finished: (histogram: ConvertedHistogram) => void): boolean {
    const role = this.#roleOf(line);
    if (role.kind === 'none' || role.group !== this.#gathered?.group) this.finish(finished);
    if (role.kind === 'none') return false;
    this.#gathered ??= {
      group: role.group,
      buckets: [],
      sum: 0,
      count: undefined,
      timestampMs: facts.timestampMs,
      startMs: facts.startMs,
      exemplars: [],
    };
    if (role.kind === 'bucket') this.#gathered.buckets.push({ bound: role.bound, count: line.value });
    else this.#gathered[role.kind] = line.value;
    this.#gathered.exemplars.push(...facts.exemplars);
    return true;
  }

  #roleOf({ entry, text, isTypeSure }: Line): Role {
    let role = this.#roles.get(entry);
    if (role === undefined) {
      role = roleOf(text());
      this.#roles.set(entry, role);
      if (role.kind === 'bucket') this.#groups.add(role.group);
    }
    // In text the type holds until the next one: "x_count" of another family may follow, without buckets before it.
    const isForeign = !isTypeSure && role.kind !== 'none' && !this.#groups.has(role.group);
    return isForeign ? NONE : role;
  }

  /** Something else begins, or the page ends. */
  finish(finished: (histogram: ConvertedHistogram) => void): void {
    const gathered = this.#gathered;
    this.#gathered = undefined;
    const histogram = gathered === undefined ? undefined : histogramOfClassic(gathered);
    if (gathered === undefined || histogram === undefined) return;
    const { group, timestampMs, startMs, exemplars } = gathered;
    const text = new TextEncoder().encode(group);
    finished({ text, valueWords: ANY_VALUE, timestampMs, startMs, histogram, exemplars });
  }
}

const SUFFIXES = ['_bucket', '_sum', '_count'] as const;

function roleOf(text: Uint8Array): Role {
  const pairs = decodeSeries(text, 'histogram');
  const name = pairs[0]?.[0] === METRIC_NAME ? pairs[0][1] : '';
  const suffix = SUFFIXES.find(one => name.endsWith(one));
  if (suffix === undefined) return NONE;
  const base = name.slice(0, -suffix.length);
  if (suffix !== '_bucket')
    return { kind: suffix === '_sum' ? 'sum' : 'count', group: textOf(base, pairs.slice(1)) };
  const le = pairs.find(([label]) => label === 'le')?.[1] ?? '';
  const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : le === '' ? Number.NaN : Number(le);
  if (Number.isNaN(bound)) return NONE;
  const rest = pairs.slice(1).filter(([label]) => label !== 'le');
  return { kind: 'bucket', group: textOf(base, rest), bound };
}

function textOf(name: string, pairs: readonly (readonly [name: string, value: string])[]): string {
  const quoted = (one: string): string =>
    `"${one.replace(/[\\"\n]/g, special => (special === '\n' ? '\\n' : `\\${special}`))}"`;
  return `{${[quoted(name), ...pairs.map(([label, value]) => `${quoted(label)}=${quoted(value)}`)].join(',')}}`;
}
