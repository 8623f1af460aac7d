// What selectors matched, remembered: dashboards and rules ask with the same ones again and again, while series come and go
// seldom. An entry holds as long as no series was dropped and none came that could belong to it.

import { ok, type Result } from '../base/index.ts';
import { compareLabels, type Matcher, METRIC_NAME } from '../model/index.ts';
import type { Series } from './head-data.ts';
import { matchSeries } from './matching.ts';
import type { SeriesTable } from './series-table.ts';
import { SELECTED_SERIES_MAX, SELECTIONS_MAX } from './settings.ts';

interface Selection {
  readonly series: readonly Series[];
  /** How many series there were of which it is a part. */
  readonly among: number;
}

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
    if (this.#generation !== this.#table.generation) {
      this.#known.clear();
      this.#series = 0;
      this.#generation = this.#table.generation;
    }
    const key = JSON.stringify(matchers.map(({ name, op, value }) => [name, op, value]));
    const among = this.#among(matchers);
    const known = this.#known.get(key);
    if (known !== undefined) this.#forget(key, known);
    const isCurrent = known !== undefined && known.among === among;
    const matched = isCurrent ? ok(known.series) : matchSeries(this.#table, matchers);
    if (!matched.ok) return matched;
    const series = isCurrent
      ? known.series
      : [...matched.value].sort((a, b) => compareLabels(a.labels, b.labels));
    this.#remember(key, { series, among });
    return ok(series);
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
