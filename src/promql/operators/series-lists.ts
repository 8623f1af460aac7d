// What follows from a list of series alone, found once for all queries that get the same list again: its labels without names,
// whether it is in order, which group each series belongs to, who finds whom. Dashboards and rules read the same series each
// time, and the store gives the same label sets for them: two lists are the same if their label sets are the same objects.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within their arrays by construction.

import type { Clock } from '../../base/index.ts';
import type { Labels, SeriesColumns } from '../../model/index.ts';
import type { Groups, HistogramGroups, Pairs, SideGroups } from './derived.ts';
import { isRising, type SeriesMeta, withoutNameLabels } from './values.ts';

type SeriesList = readonly SeriesMeta[];

/** Series of all lists that are remembered: some 300 bytes each with what is derived of them, 15 MB together. */
const LISTED_SERIES_MAX = 50_000;
/** Lists that nobody has read for so long are forgotten: rules and dashboards ask once a minute or more often. */
const IDLE_MS = 2 * 60_000;
/** What follows from fewer is found again as soon as it is remembered. */
const LISTED_MIN = 16;
/** Of one list, of one kind. */
const DERIVED_MAX = 8;
/** Lists that begin with the same series: other selectors, or series that come and go. */
const ALIKE_MAX = 8;

interface Derived<T> {
  readonly other: SeriesList | undefined;
  readonly value: T;
}

/** Of one kind: what was derived of a list, and perhaps of another one with it, by what else it depends on. */
export class ListMemo<T> {
  readonly #lists: SeriesLists;
  readonly #known = new WeakMap<SeriesList, Map<string, Derived<T>>>();

  constructor(lists: SeriesLists) {
    this.#lists = lists;
  }

  get(key: string, list: SeriesList, other?: SeriesList): T | undefined {
    const found = this.#known.get(list)?.get(key);
    return found !== undefined && found.other === other ? found.value : undefined;
  }

  /** Passed over for lists that nobody will give again. `made`: a list that is given again with it. */
  put(
    key: string,
    value: T,
    of: { readonly list: SeriesList; readonly other?: SeriesList; readonly made?: SeriesList },
  ): void {
    const { list, other, made } = of;
    if (!this.#lists.isKnown(list) || (other !== undefined && !this.#lists.isKnown(other))) return;
    const values = this.#known.get(list) ?? new Map<string, Derived<T>>();
    if (values.size >= DERIVED_MAX) values.clear();
    values.set(key, { other, value });
    this.#known.set(list, values);
    if (made !== undefined) this.#lists.remember(made);
  }
}

interface Known {
  withoutNames: SeriesList | undefined;
  isRising: boolean | undefined;
}

interface Listed {
  readonly list: SeriesList;
  usedMs: number;
}

export class SeriesLists {
  readonly #clock: Clock;
  /** By the labels of their first series, the one used longest ago first. */
  readonly #listed = new Map<Labels, Listed[]>();
  #series = 0;
  readonly #known = new WeakMap<SeriesList, Known>();
  // What operators derive, each in the file of its name.
  readonly groups = new ListMemo<Groups>(this);
  readonly pairs = new ListMemo<Pairs | 'none'>(this);
  readonly sides = new ListMemo<SideGroups>(this);
  readonly relabelled = new ListMemo<SeriesList>(this);
  readonly histograms = new ListMemo<HistogramGroups>(this);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The list of series that were read: the very one of an earlier query, if it was the same. */
  of(columns: readonly SeriesColumns[]): SeriesList {
    const [first] = columns;
    if (first === undefined || columns.length < LISTED_MIN || columns.length > LISTED_SERIES_MAX)
      return listOf(columns);
    const nowMs = this.#clock.monotonicMs();
    const candidates = this.#listed.get(first.labels) ?? [];
    const known = candidates.find(({ list }) => isListOf(list, columns));
    if (known !== undefined) {
      known.usedMs = nowMs;
      // The one used last stands behind the others.
      this.#listed.delete(first.labels);
      this.#listed.set(first.labels, candidates);
      return known.list;
    }
    const list = listOf(columns);
    this.#add(first.labels, { list, usedMs: nowMs });
    return list;
  }

  isRising(list: SeriesList): boolean {
    const known = this.#known.get(list);
    if (known === undefined) return isRising(list);
    known.isRising ??= isRising(list);
    return known.isRising;
  }

  withoutNames(list: SeriesList): SeriesList {
    const known = this.#known.get(list);
    if (known?.withoutNames !== undefined) return known.withoutNames;
    const made = list.map(({ labels, dropName, producer }) => ({
      labels: withoutNameLabels(labels),
      dropName,
      producer,
    }));
    if (known !== undefined) {
      known.withoutNames = made;
      this.remember(made);
    }
    return made;
  }

  isKnown(list: SeriesList): boolean {
    return this.#known.has(list);
  }

  /** One that is given again as long as one is that is known. */
  remember(list: SeriesList): void {
    if (!this.#known.has(list)) this.#known.set(list, { withoutNames: undefined, isRising: undefined });
  }

  #add(first: Labels, listed: Listed): void {
    this.remember(listed.list);
    const others = this.#listed.get(first) ?? [];
    this.#listed.delete(first);
    const left = others.length < ALIKE_MAX ? others : others.slice(1);
    this.#listed.set(first, [...left, listed]);
    this.#series += listed.list.length - (lengthOf(others) - lengthOf(left));
    const goneMs = listed.usedMs - IDLE_MS;
    for (const [labels, lists] of this.#listed) {
      const kept = lists.filter(({ usedMs }) => usedMs > goneMs);
      // Else the one used longest ago goes, until there is room.
      while (kept.length > 0 && this.#series - lengthOf(lists) + lengthOf(kept) > LISTED_SERIES_MAX)
        kept.shift();
      if (kept.length === lists.length) return;
      this.#series -= lengthOf(lists) - lengthOf(kept);
      if (kept.length === 0) this.#listed.delete(labels);
      else this.#listed.set(labels, kept);
    }
  }
}

function listOf(columns: readonly SeriesColumns[]): SeriesList {
  return columns.map(({ labels, producer }) => ({ labels, dropName: false, producer }));
}

function lengthOf(lists: readonly Listed[]): number {
  return lists.reduce((sum, { list }) => sum + list.length, 0);
}

function isListOf(list: SeriesList, columns: readonly SeriesColumns[]): boolean {
  if (list.length !== columns.length) return false;
  for (let i = 0; i < list.length; i++) {
    const meta = list[i]!;
    const one = columns[i]!;
    if (meta.labels !== one.labels || meta.producer !== one.producer) return false;
  }
  return true;
}
