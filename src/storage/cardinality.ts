// What the series of the head are made of: which metrics, labels and values have the most. Counted over the index, in slices:
// a store of a million series has as many label values.

import type { Clock } from '../base/index.ts';
import { type Counted, METRIC_NAME, type SeriesCounts } from '../model/index.ts';
import { Slices } from './block/slices.ts';
import type { Head } from './head.ts';

/** Between two looks at the time. */
const VALUES_A_LOOK = 256;

export async function countSeries(head: Head, limit: number, clock: Clock): Promise<SeriesCounts> {
  const slices = new Slices(clock);
  const byMetric = new Largest(limit);
  const byValues = new Largest(limit);
  const byBytes = new Largest(limit);
  const byPair = new Largest(limit);
  let labelPairs = 0;
  for (const [name, values] of head.table.index) {
    let bytes = 0;
    byValues.offer(name, values.size);
    for (const { value, series } of values.values()) {
      bytes += value.length;
      if (name === METRIC_NAME) byMetric.offer(value, series.length);
      if (byPair.takes(series.length)) byPair.offer(`${name}=${value}`, series.length);
      if (++labelPairs % VALUES_A_LOOK === 0) await slices.breathe();
    }
    byBytes.offer(name, bytes);
  }
  return {
    series: head.table.size,
    labelPairs,
    ...spanOf(head),
    maxMs: head.newestMs,
    seriesByMetric: byMetric.list,
    valuesByLabel: byValues.list,
    bytesByLabel: byBytes.list,
    seriesByPair: byPair.list,
  };
}

/** Chunks as Prometheus counts them: those of each series. */
function spanOf(head: Head): Pick<SeriesCounts, 'chunks' | 'minMs'> {
  let chunks = 0;
  let minMs = Number.POSITIVE_INFINITY;
  for (const membership of head.memberships) {
    chunks += membership.series.length * membership.chunks.length;
    for (const chunk of membership.chunks) minMs = Math.min(minMs, chunk.minMs, chunk.maxMs);
  }
  for (const cohort of head.allCohorts()) {
    if (cohort.rows === 0) continue;
    chunks += cohort.series.length;
    minMs = Math.min(minMs, cohort.rowTimes[0] ?? Number.POSITIVE_INFINITY);
  }
  for (const side of head.sides) {
    chunks++;
    for (let i = 0; i < side.count; i++) minMs = Math.min(minMs, side.times[i] ?? Number.POSITIVE_INFINITY);
  }
  return { chunks, minMs };
}

/** Owns the largest of what is offered, largest first; of equal ones the first stays first. */
class Largest {
  readonly list: Counted[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  takes(value: number): boolean {
    return this.list.length < this.#limit || value > (this.list.at(-1)?.value ?? 0);
  }

  offer(name: string, value: number): void {
    if (!this.takes(value)) return;
    let at = this.list.length;
    while (at > 0 && (this.list[at - 1] as Counted).value < value) at--;
    this.list.splice(at, 0, { name, value });
    if (this.list.length > this.#limit) this.list.pop();
  }
}
