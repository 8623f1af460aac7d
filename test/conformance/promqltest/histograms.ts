// What the store of Prometheus makes of histograms that are loaded.

import {
  histogramOfClassic,
  type Labels,
  labelPairs,
  labelsFrom,
  labelsFromPairs,
  labelsKey,
  type NativeHistogram,
  wasReset,
} from '../../../src/model/index.ts';
import type { MemorySeries } from '../../support/series.ts';
import { labelsRecord, readFloat } from './notation.ts';
import type { Command } from './script.ts';

type Sample = MemorySeries['samples'][number];

/**
 * A counter's histogram says that it was not reset when it is in one chunk with the one before it. The first of a chunk says
 * nothing: after a reset, after a float, and where the layout of the buckets does not go on.
 */
export function hintsAsStored(samples: readonly Sample[]): Sample[] {
  let before: NativeHistogram | undefined;
  return samples.map(([timeMs, value]) => {
    if (typeof value !== 'object') {
      before = undefined;
      return [timeMs, value];
    }
    const goesOn = before !== undefined && !startsChunk(value, before);
    before = value;
    if (value.resetHint === 'gauge') return [timeMs, value];
    return [timeMs, { ...value, resetHint: goesOn ? 'no-reset' : 'unknown' }];
  });
}

function startsChunk(now: NativeHistogram, before: NativeHistogram): boolean {
  return (
    (now.resetHint === 'gauge') !== (before.resetHint === 'gauge') ||
    now.schema !== before.schema ||
    now.zeroThreshold !== before.zeroThreshold ||
    (now.customBounds ?? []).join() !== (before.customBounds ?? []).join() ||
    wasReset(now, before)
  );
}

export interface LoadedHistograms {
  readonly labels: Labels;
  readonly samples: ReadonlyMap<number, NativeHistogram>;
}

interface Classic {
  readonly labels: Labels;
  /** By time: cumulative counts by upper bound, sum and count. */
  readonly at: Map<number, { readonly buckets: Map<number, number>; sum?: number; count?: number }>;
}

/** `load_with_nhcb`: of the series of classic histograms also native ones with custom buckets are made. */
export function customHistograms(command: Command & { kind: 'load' }): LoadedHistograms[] {
  const classics = new Map<string, Classic>();
  for (const { labels, values, startTimestamps } of command.series) {
    const { __name__: name = '' } = labelsRecord(labels);
    const suffix = /_(bucket|sum|count)$/.exec(name)?.[1];
    if (suffix === undefined || startTimestamps) continue;
    const le = labelsRecord(labels)['le'];
    if ((suffix === 'bucket') !== (le !== undefined)) continue;
    const base = name.slice(0, -suffix.length - 1);
    const others = labelsFromPairs(
      [...labelPairs(labels)].filter(([label]) => label !== 'le' && label !== '__name__'),
    );
    const native = labelsFrom({ ...labelsRecord(others), __name__: base });
    const key = labelsKey(native);
    const classic = classics.get(key) ?? { labels: native, at: new Map() };
    classics.set(key, classic);
    for (const [i, value] of values.entries()) {
      if (value.kind !== 'float') continue;
      const found = classic.at.get(i * command.gapMs) ?? { buckets: new Map<number, number>() };
      classic.at.set(i * command.gapMs, found);
      if (suffix === 'bucket') found.buckets.set(readFloat(le ?? ''), value.value);
      else found[suffix as 'sum' | 'count'] = value.value;
    }
  }
  return [...classics.values()]
    .map(({ labels, at }) => ({
      labels,
      samples: new Map([...at].flatMap(([timeMs, found]) => natives(timeMs, found))),
    }))
    .filter(({ samples }) => samples.size > 0);
}

function natives(
  timeMs: number,
  {
    buckets,
    sum = 0,
    count,
  }: { readonly buckets: ReadonlyMap<number, number>; readonly sum?: number; readonly count?: number },
): [number, NativeHistogram][] {
  if (buckets.size === 0) return [];
  const bounded = [...buckets].map(([bound, held]) => ({ bound, count: held }));
  const native = histogramOfClassic({ buckets: bounded, sum, count });
  // What is no histogram is not made one.
  return native === undefined ? [] : [[timeMs, native]];
}
