// A source inside the process is written like a scraped target: report series, staleness, kept refs.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { CollectingLog } from '../../../test/support/log.ts';
import { seededRandom } from '../../../test/support/random.ts';
import { err, ok } from '../../base/index.ts';
import {
  formatLabels,
  isStaleAt,
  type Labels,
  labelsFrom,
  labelsKey,
  type MetricFamily,
  type SampleBatch,
  type SeriesRef,
  type SeriesWriter,
  targetId,
  wordsOf,
} from '../../model/index.ts';
import { createInProcessRunner } from './runner.ts';

/** Records batches; series can be dropped as a store does after retention. */
class RecordingStore implements SeriesWriter {
  readonly batches: SampleBatch[] = [];
  readonly labels = new Map<number, Labels>();
  readonly #refs = new Map<string, SeriesRef>();
  interned = 0;
  seriesMax = Number.POSITIVE_INFINITY;
  failing = false;

  intern(labels: Labels): ReturnType<SeriesWriter['intern']> {
    this.interned++;
    const known = this.#refs.get(labelsKey(labels));
    if (known !== undefined) return ok(known);
    if (this.#refs.size >= this.seriesMax) return err('sample-limit');
    // The store's refs are numbers of its own.
    const ref = (this.labels.size + 1) as SeriesRef;
    this.#refs.set(labelsKey(labels), ref);
    this.labels.set(ref, labels);
    return ok(ref);
  }

  append(batch: SampleBatch): ReturnType<SeriesWriter['append']> {
    if (this.failing) return Promise.resolve(err({ code: 'storage-paused', message: 'disk full' } as const));
    this.batches.push(batch);
    return Promise.resolve(ok({ accepted: batch.series.length, refused: [], refusedCount: 0 }));
  }

  isLive(ref: SeriesRef): boolean {
    return [...this.#refs.values()].includes(ref);
  }

  generation = 0;

  dropAll(): void {
    this.generation++;
    this.#refs.clear();
  }

  /** "name{labels} value" of one batch, "stale" for the marker; without the times, which no test can know. */
  lines(index: number): string[] {
    const batch = this.batches[index];
    if (batch === undefined) return [];
    const words = wordsOf(batch.values);
    return [...batch.series].map((ref, i) => {
      const value = isStaleAt(words, i) ? 'stale' : String(batch.values[i]);
      return `${formatLabels(this.labels.get(ref) ?? labelsFrom({}))} ${value}`;
    });
  }
}

function gauges(values: Readonly<Record<string, number>>): MetricFamily[] {
  return Object.entries(values).map(([name, value]) => ({
    name,
    help: `about ${name}`,
    type: 'gauge',
    samples: [{ suffix: '', labels: labelsFrom({}), value }],
  }));
}

function kit(source: (signal: AbortSignal) => Promise<readonly MetricFamily[]>) {
  const clock = new FakeClock();
  const store = new RecordingStore();
  const log = new CollectingLog();
  const target = {
    id: targetId('host/here'),
    job: 'node',
    labels: labelsFrom({ job: 'node', instance: 'here' }),
    intervalMs: 15_000,
    timeoutMs: 10_000,
  };
  const runner = createInProcessRunner({ source, writer: store, clock, log, target });
  return { clock, store, log, runner, target };
}

describe('in-process runner', () => {
  it('writes the samples with the target labels and the report series of a scrape', async () => {
    const { clock, store, runner } = kit(async () => gauges({ a: 1, b: 2 }));
    runner.start();
    await clock.advance(0);
    expect(store.lines(0)).toEqual([
      'a{instance="here", job="node"} 1',
      'b{instance="here", job="node"} 2',
      'up{instance="here", job="node"} 1',
      'scrape_duration_seconds{instance="here", job="node"} 0',
      'scrape_samples_scraped{instance="here", job="node"} 2',
      'scrape_samples_post_metric_relabeling{instance="here", job="node"} 2',
      'scrape_series_added{instance="here", job="node"} 2',
    ]);
    expect(store.batches[0]?.metadata).toEqual([
      { metric: 'a', type: 'gauge', help: 'about a', unit: '' },
      { metric: 'b', type: 'gauge', help: 'about b', unit: '' },
    ]);
    expect(runner.status()).toMatchObject({ health: 'up', lastError: '', lastSamples: 2 });
    expect(runner.latest().map(family => family.name)).toEqual(['a', 'b']);
  });

  it('interns a series once and again only when the store has dropped it', async () => {
    const { clock, store, runner } = kit(async () => gauges({ a: 1 }));
    runner.start();
    await clock.advance(30_000);
    expect(store.batches).toHaveLength(3);
    expect(store.interned).toBe(6);
    store.dropAll();
    await clock.advance(15_000);
    expect(store.interned).toBe(12);
    expect(store.lines(3)).toContain('a{instance="here", job="node"} 1');
  });

  it('ends a series that vanished with one staleness marker', async () => {
    let round = 0;
    const { clock, store, runner } = kit(async () => gauges(round++ === 0 ? { a: 1, b: 2 } : { a: 1 }));
    runner.start();
    await clock.advance(30_000);
    const stale = (index: number): string[] => store.lines(index).filter(line => line.endsWith(' stale'));
    expect([stale(0), stale(1), stale(2)]).toEqual([[], ['b{instance="here", job="node"} stale'], []]);
  });

  it('shows a source that fails as down, ends its series, and recovers', async () => {
    let round = 0;
    const { clock, store, runner, log } = kit(async () => {
      if (round++ === 1) throw new Error('out of order');
      return gauges({ a: 1 });
    });
    runner.start();
    await clock.advance(15_000);
    expect(store.lines(1)).toContain('up{instance="here", job="node"} 0');
    expect(store.lines(1)).toContain('a{instance="here", job="node"} stale');
    expect(runner.status()).toMatchObject({ health: 'down', lastError: 'out of order' });
    await clock.advance(15_000);
    expect(runner.status().health).toBe('up');
    expect(log.messages('warn')).toEqual(['Collecting "node": out of order']);
  });

  it('gives up a source that takes longer than its time limit', async () => {
    const { clock, store, runner } = kit(() => new Promise(() => {}));
    runner.start();
    await clock.advance(10_000);
    expect(store.lines(0)).toContain('up{instance="here", job="node"} 0');
    expect(runner.status().lastError).toBe('the source gave nothing within 10000 ms');
  });

  it('ends all series on stop and writes nothing after', async () => {
    const { clock, store, runner } = kit(async () => gauges({ a: 1 }));
    runner.start();
    await clock.advance(0);
    await runner.stop();
    await runner.stop();
    expect(store.lines(1).every(line => line.endsWith(' stale'))).toBe(true);
    expect(store.lines(1)).toHaveLength(6);
    await clock.advance(60_000);
    expect(store.batches).toHaveLength(2);
  });

  it('counts and names series the store refuses', async () => {
    const { clock, store, runner, log } = kit(async () => gauges({ a: 1, b: 2 }));
    store.seriesMax = 1;
    runner.start();
    await clock.advance(0);
    expect(store.lines(0)).toEqual(['a{instance="here", job="node"} 1']);
    expect(log.messages('warn')[0]).toMatch(/6 new series refused: sample-limit/);
  });

  it('says that nothing was stored when the store refuses the batch', async () => {
    const { clock, store, runner, log } = kit(async () => gauges({ a: 1 }));
    store.failing = true;
    runner.start();
    await clock.advance(0);
    expect(log.messages('warn')).toEqual(['Collecting "node": nothing was stored: disk full']);
  });

  it('keeps a sample label that the target has too as exported_', async () => {
    const { clock, store, runner } = kit(async () => [
      {
        name: 'm',
        help: '',
        type: 'gauge',
        samples: [{ suffix: '_total', labels: labelsFrom({ job: 'x' }), value: 1 }],
      },
    ]);
    runner.start();
    await clock.advance(0);
    expect(store.lines(0)[0]).toBe('m_total{exported_job="x", instance="here", job="node"} 1');
  });

  it('spreads the first round over the interval when given randomness', async () => {
    const clock = new FakeClock();
    const store = new RecordingStore();
    const { target, log } = kit(async () => []);
    const ports = { source: async () => gauges({ a: 1 }), writer: store, clock, log, target };
    const runner = createInProcessRunner({ ...ports, random: seededRandom(1) });
    runner.start();
    await clock.advance(0);
    expect(store.batches).toHaveLength(0);
    await clock.advance(15_000);
    expect(store.batches).toHaveLength(1);
  });
});
