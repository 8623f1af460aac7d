// What selectors matched, remembered: dashboards and rules ask with the same ones again and again, while series come and go
// seldom. An entry holds as long as no series was dropped; of those that came since only the new ones are looked at.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { inTurns, ok, type Pace, type Result, sortInTurns } from '../base/index.ts';
import { compareLabels, compileMatchers, type Matcher, METRIC_NAME, matchesAll } from '../model/index.ts';
import type { Series } from './head-data.ts';
import { matchingSteps, matchSeries } from './matching.ts';
import type { SeriesTable } from './series-table.ts';
import { SELECTED_SERIES_MAX, SELECTIONS_MAX } from './settings.ts';

interface Selection {
  /** In the order of labels. */
  readonly series: readonly Series[];
  /** How many series there were of which it is a part. */
  readonly among: number;
  /** Series from this ref on have not been looked at. */
  readonly refEnd: number;
}

/** So many new series are looked at one by one; of more it is cheaper to begin anew. */
const NEWCOMERS_MAX = 4096;

/** Of a selection that must be looked at again: no number of series. */
const NONE_YET = -1;

const byLabels = (a: Series, b: Series): number => compareLabels(a.labels, b.labels);

export class Selections {
  readonly #table: SeriesTable;
  /** The one used longest ago first. */
  readonly #known = new Map<string, Selection>();
  #generation = -1;
  #series = 0;

  constructor(table: SeriesTable) {
    this.#table = table;
  }

  /** In the order of labels. The error is a sentence for people. */
  match(matchers: readonly Matcher[]): Result<readonly Series[], string> {
    this.#settle();
    const key = keyOf(matchers);
    const known = this.#known.get(key);
    if (known !== undefined) this.#forget(key, known);
    const found = known === undefined ? undefined : this.#upToDate(known, matchers);
    if (found !== undefined) {
      this.#remember(key, found);
      return ok(found.series);
    }
    const matched = matchSeries(this.#table, matchers);
    if (!matched.ok) return matched;
    const series = [...matched.value].sort(byLabels);
    this.#remember(key, { series, among: this.#among(matchers), refEnd: this.#table.nextRef });
    return ok(series);
  }

  /**
   * Before `match`, which then has next to nothing to do: finds and sorts the series giving way. False if the pace says that
   * the work shall end. What is wrong with the matchers `match` says.
   */
  async prepare(matchers: readonly Matcher[], pace: Pace): Promise<boolean> {
    this.#settle();
    const key = keyOf(matchers);
    const known = this.#known.get(key);
    if (known !== undefined && this.#newcomers(known, matchers) <= NEWCOMERS_MAX) return true;
    const refEnd = this.#table.nextRef;
    const matched = await inTurns(matchingSteps(this.#table, matchers), pace);
    if (matched === undefined) return false;
    if (!matched.ok) return true;
    const sorted = await sortInTurns(matched.value, byLabels, pace);
    if (sorted === undefined) return false;
    // From here on in one go. Series that came meanwhile are looked at by `match`.
    const series = sorted.filter(
      (one, i) => one.ref < refEnd && one !== sorted[i - 1] && this.#table.get(one.ref) === one,
    );
    this.#settle();
    const other = this.#known.get(key);
    if (other !== undefined) this.#forget(key, other);
    const isAll = this.#table.nextRef === refEnd;
    this.#remember(key, { series, among: isAll ? this.#among(matchers) : NONE_YET, refEnd });
    return true;
  }

  #settle(): void {
    if (this.#generation === this.#table.generation) return;
    this.#known.clear();
    this.#series = 0;
    this.#generation = this.#table.generation;
  }

  #newcomers({ among, refEnd }: Selection, matchers: readonly Matcher[]): number {
    return among === this.#among(matchers) ? 0 : this.#table.nextRef - refEnd;
  }

  /** Undefined where it is better to begin anew. */
  #upToDate(known: Selection, matchers: readonly Matcher[]): Selection | undefined {
    const newcomers = this.#newcomers(known, matchers);
    if (newcomers === 0 && known.among === this.#among(matchers)) return known;
    const compiled = newcomers <= NEWCOMERS_MAX ? compileMatchers(matchers) : undefined;
    if (compiled?.ok !== true) return undefined;
    const found: Series[] = [];
    const refEnd = this.#table.nextRef;
    for (let ref = known.refEnd; ref < refEnd; ref++) {
      const series = this.#table.get(ref);
      if (series !== undefined && matchesAll(compiled.value, series.labels)) found.push(series);
    }
    return { series: merged(known.series, found.sort(byLabels)), among: this.#among(matchers), refEnd };
  }

  /** Series only come while the generation stands, and a series of a metric makes these more. */
  #among(matchers: readonly Matcher[]): number {
    const metric = matchers.find(({ name, op, value }) => name === METRIC_NAME && op === '=' && value !== '');
    return metric === undefined ? this.#table.size : this.#table.seriesOf(metric.value);
  }

  #remember(key: string, selection: Selection): void {
    if (selection.series.length > SELECTED_SERIES_MAX) return;
    this.#known.set(key, selection);
    this.#series += selection.series.length;
    for (const [oldest, one] of this.#known) {
      if (this.#known.size <= SELECTIONS_MAX && this.#series <= SELECTED_SERIES_MAX) return;
      this.#forget(oldest, one);
    }
  }

  #forget(key: string, selection: Selection): void {
    this.#known.delete(key);
    this.#series -= selection.series.length;
  }
}

/** Equal for equal matchers only. */
export function keyOf(matchers: readonly Matcher[]): string {
  return JSON.stringify(matchers.map(({ name, op, value }) => [name, op, value]));
}

/** Of two lists in the order of labels; nearly always the second is empty or short. */
function merged(series: readonly Series[], more: readonly Series[]): readonly Series[] {
  if (more.length === 0) return series;
  const all: Series[] = [];
  let at = 0;
  for (const one of more) {
    let end = at;
    for (let last = series.length; end < last; ) {
      const middle = (end + last) >>> 1;
      if (byLabels(series[middle]!, one) < 0) end = middle + 1;
      else last = middle;
    }
    while (at < end) all.push(series[at++]!);
    all.push(one);
  }
  while (at < series.length) all.push(series[at++]!);
  return all;
}
