// Joining the sources of a query gives what merging the samples of each series does, whatever overlaps.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareLabels, labelsFrom, type SeriesColumns, type SeriesRef, wordsOf } from '../model/index.ts';
import { Merger } from './block/merge.ts';
import { joinSources } from './join.ts';
import { UNMINDED } from './read.ts';

/** Of one source: which series it has, and which of the times in its stretch. */
const source = fc.record({
  fromS: fc.nat(20),
  times: fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
  series: fc.uniqueArray(fc.nat(6), { minLength: 1, maxLength: 5 }),
  odd: fc.boolean(),
  refs: fc.constantFrom(0, 100),
});

type Source = typeof source extends fc.Arbitrary<infer T> ? T : never;

function columnsOf({ fromS, times, series, odd, refs }: Source): SeriesColumns[] {
  const shared = Float64Array.from(times.flatMap((has, i) => (has ? [(fromS + i) * 1000] : [])));
  if (shared.length === 0) return [];
  return series
    .map((i): SeriesColumns => {
      const timesMs = odd && i % 2 === 1 ? shared.slice(0, Math.max(1, shared.length - 2)) : shared;
      const values = timesMs.map(timeMs => timeMs + i);
      return {
        labels: labelsFrom({ __name__: 'm', i: String(i) }),
        // A series that was dropped and came again has another.
        ref: (refs + i + 1) as SeriesRef,
        producer: undefined,
        timesMs,
        values,
        from: 0,
        to: timesMs.length,
        isPlain: true,
      };
    })
    .sort((a, b) => compareLabels(a.labels, b.labels));
}

const shown = (all: readonly SeriesColumns[]): unknown =>
  all.map(({ labels, ref, timesMs, values, from, to }) => [
    labels.join(),
    ref,
    [...timesMs.subarray(from, to)],
    [...wordsOf(values).subarray(2 * from, 2 * to)],
  ]);

it('agrees with the merger', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(source, { maxLength: 5 }), async sources => {
      const columns = sources.map(columnsOf);
      const labels = new Map(columns.flat().map(one => [one.labels.join(), one.labels] as const));
      const wanted = [...labels.values()].sort(compareLabels).map(one => {
        const parts = columns.flatMap(all => all.filter(({ labels: its }) => its.join() === one.join()));
        return new Merger().merge(parts);
      });
      const memory = { floats: (count: number) => new Float64Array(count).fill(Number.NaN) };
      const joined = await joinSources(columns, { memory, pace: UNMINDED });
      expect(shown(joined ?? [])).toEqual(shown(wanted));
    }),
    { seed: 20261130, numRuns: 400 },
  );
});

it('lets series with the same times share them', async () => {
  const one: Source = { fromS: 0, times: [true, true], series: [0, 1, 2, 3], odd: false, refs: 0 };
  const sources = [columnsOf(one), columnsOf({ ...one, fromS: 1 })];
  const joined = await joinSources(sources, { memory: undefined, pace: UNMINDED });
  expect(joined).toHaveLength(4);
  expect(new Set(joined?.map(({ timesMs }) => timesMs)).size).toBe(1);
});
