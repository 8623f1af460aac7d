// Windows: for each step the samples in (end - width, end]. Found once for a time column, by two pointers that only
// move forward, and shared by all series that share the column (compared by identity).

export interface Windows {
  /** Index of the first sample in the window of each step. */
  readonly first: Int32Array;
  /** Index behind the last one; first === end means that the window is empty. */
  readonly end: Int32Array;
}

export interface WindowTimes {
  /** Ascending. */
  readonly endsMs: Float64Array;
  readonly widthMs: number;
  /** Samples at or before this instant do not exist. */
  readonly notBeforeMs: number;
}

export function findWindows(
  timesMs: Float64Array,
  bounds: { readonly from: number; readonly to: number },
  { endsMs, widthMs, notBeforeMs }: WindowTimes,
): Windows {
  const steps = endsMs.length;
  const first = new Int32Array(steps);
  const end = new Int32Array(steps);
  let low = bounds.from;
  let high = bounds.from;
  for (let i = 0; i < steps; i++) {
    const endMs = endsMs[i] as number;
    const startMs = Math.max(endMs - widthMs, notBeforeMs);
    while (high < bounds.to && (timesMs[high] as number) <= endMs) high++;
    while (low < high && (timesMs[low] as number) <= startMs) low++;
    first[i] = low;
    end[i] = high;
  }
  return { first, end };
}

/** Remembers windows by time column and bounds. */
export class WindowCache {
  readonly #times: WindowTimes;
  readonly #known = new Map<Float64Array, Map<string, Windows>>();
  /** Asked for last: series that share a column often follow one another. */
  #latest: (Windows & { readonly timesMs: Float64Array; readonly from: number; readonly to: number }) | undefined;

  constructor(times: WindowTimes) {
    this.#times = times;
  }

  of(timesMs: Float64Array, from: number, to: number): Windows {
    const latest = this.#latest;
    if (latest !== undefined && latest.timesMs === timesMs && latest.from === from && latest.to === to)
      return latest;
    const windows = this.#find(timesMs, from, to);
    this.#latest = { ...windows, timesMs, from, to };
    return this.#latest;
  }

  #find(timesMs: Float64Array, from: number, to: number): Windows {
    let byBounds = this.#known.get(timesMs);
    if (byBounds === undefined) {
      byBounds = new Map();
      this.#known.set(timesMs, byBounds);
    }
    const key = `${from}:${to}`;
    let windows = byBounds.get(key);
    if (windows === undefined) {
      windows = findWindows(timesMs, { from, to }, this.#times);
      byBounds.set(key, windows);
    }
    return windows;
  }
}
