// Promise 1: what was accepted is there, bit for bit, after any death of the process.

import type { System } from '../../src/app/index.ts';
import { formatLabels, labelValue } from '../../src/model/index.ts';
import { settle } from '../support/clock.ts';
import type { Scene } from './scene.ts';

/** Series, then time, then value. */
export type Snapshot = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** As storage's default: older samples are let go of. A little less, since both sides of the comparison move. */
const MAX_AGE_MS = 6 * 3_600_000 - 10 * 60_000;
/** Sample times snap to a grid within so much. */
const GRID_MS = 3;

interface Page {
  readonly instance: string;
  readonly startedAtMs: number;
  readonly gauge: number;
  /** When its answer was complete. */
  readonly atMs: number;
}

/** Owns the pages that were taken since the last look. */
export class SampleChecks {
  readonly #scene: Scene;
  #pages: Page[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  onPage(page: Page): void {
    this.#pages.push(page);
  }

  /** Nothing before it is asked for by `checkPages`. */
  get oldestMs(): number {
    return Math.min(...this.#pages.map(page => page.startedAtMs)) - 1000;
  }

  /** Whether each page that was taken since the last look is stored. The last one may have been on its way. */
  checkPages(snapshot: Snapshot): void {
    const pages = this.#pages.slice(0, -1);
    this.#pages = this.#pages.slice(-1);
    for (const page of pages) {
      const times = snapshot.get(`sim_gauge ${page.instance}`);
      let found = false;
      for (let d = -GRID_MS; d <= GRID_MS && !found; d++) {
        found = times?.get(Math.round(page.startedAtMs) + d) === page.gauge;
      }
      this.#scene.expect(
        'samples: each page that was taken is stored',
        found,
        () => `the page of ${page.instance} scraped at wall time ${page.startedAtMs} is not in the store`,
      );
    }
  }

  /** A call of the disk fails now: the page under way may be refused, visibly. */
  forgetLastPages(): void {
    const { nowMs } = this.#scene;
    this.#pages = this.#pages.filter(page => nowMs - page.atMs > 100);
  }

  forgetPages(): void {
    this.#pages = [];
  }

  /** Whether all that was readable before still is. */
  checkKept(before: Snapshot, after: Snapshot, how: 'kill' | 'power'): void {
    let newestMs = Number.NEGATIVE_INFINITY;
    for (const times of before.values()) for (const time of times.keys()) newestMs = Math.max(newestMs, time);
    const lost: string[] = [];
    let count = 0;
    for (const [series, times] of before) {
      const now = after.get(series);
      for (const [time, value] of times) {
        if (time < newestMs - MAX_AGE_MS) continue;
        count += 1;
        if (!Object.is(now?.get(time), value)) lost.push(`${series} @ ${time} = ${value}`);
      }
    }
    if (count === 0) return;
    const promise =
      how === 'kill'
        ? 'samples: all there after kill -9'
        : 'samples: all but the last second there after loss of power';
    this.#scene.expect(
      promise,
      lost.length === 0,
      () => `${lost.length} of ${count} samples are gone: ${lost.slice(0, 3).join(', ')}`,
    );
  }
}

export function olderThan(snapshot: Snapshot, untilMs: number): Snapshot {
  return new Map(
    [...snapshot].map(([series, times]) => [series, new Map([...times].filter(([time]) => time < untilMs))]),
  );
}

/** What is readable of the targets; undefined if the store does not answer at once (its process is dead). */
export async function snapshotOf(system: System, fromMs = 0): Promise<Snapshot | undefined> {
  let answer: Snapshot | undefined;
  void system.store
    .select([{ name: '__name__', op: '=~', value: 'up|sim_gauge|sim:gauge:max' }], {
      fromMs,
      toMs: Number.MAX_SAFE_INTEGER,
      stepMs: 0,
      rangeMs: 0,
      func: '',
      limit: 0,
    })
    .then(selected => {
      if (!selected.ok) return;
      const snapshot = new Map<string, ReadonlyMap<number, number>>();
      for (const { labels, timesMs, values, from, to } of selected.value) {
        const times = new Map<number, number>();
        for (let i = from; i < to; i++) times.set(timesMs[i] ?? 0, values[i] ?? 0);
        const instance = labelValue(labels, 'instance');
        const name = labelValue(labels, '__name__');
        snapshot.set(name === 'sim_gauge' ? `${name} ${instance}` : formatLabels(labels), times);
      }
      answer = snapshot;
    });
  await settle();
  return answer;
}
