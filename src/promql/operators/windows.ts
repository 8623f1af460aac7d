// Windows: for each step the samples in (end - width, end]. Found once for a time column, by two pointers that only
// move forward, and shared by all series that share the column (compared by identity).

/** Both ends. */
const WINDOW_BYTES = 8;

/** What is allocated is asked for before. */
interface Room {
  reserve(bytes: number): void;
}

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

interface Known {
  readonly windows: Windows;
  readonly from: number;
  readonly to: number;
}

/** Remembers windows by time column and bounds. */
export class WindowCache {
  readonly times: WindowTimes;
  readonly #run: Room;
  /** Nearly always the bounds are the same for all who share a column. */
  readonly #known = new Map<Float64Array, Known[]>();
  /** The one asked for last: series that share their times follow one another. */
  #latest: (Known & { readonly timesMs: Float64Array }) | undefined;

  constructor(run: Room, times: WindowTimes) {
    this.#run = run;
    this.times = times;
  }

  of(timesMs: Float64Array, from: number, to: number): Windows {
    const latest = this.#latest;
    if (latest?.timesMs === timesMs && latest.from === from && latest.to === to) return latest.windows;
    const known = this.#known.get(timesMs);
    let found = known?.find(one => one.from === from && one.to === to);
    if (found === undefined) {
      this.#run.reserve(this.times.endsMs.length * WINDOW_BYTES);
      found = { windows: findWindows(timesMs, { from, to }, this.times), from, to };
      if (known === undefined) this.#known.set(timesMs, [found]);
      else known.push(found);
    }
    this.#latest = { ...found, timesMs };
    return found.windows;
  }
}
