import { describe, expect, it } from 'vitest';
import { labelsFrom, labelValue, METRIC_NAME, type SeriesRef, wordsOf } from '../model/index.ts';
import type { Pick } from './assemble.ts';
import { decodeInTurns } from './decode-in-turns.ts';
import { UNMINDED } from './read.ts';

/** A series with a sample each millisecond from one time on, in open rows. */
function pickOf(name: string, fromMs: number, count: number): Pick {
  const times = Float64Array.from({ length: count }, (_, i) => fromMs + i);
  const open = { times, words: wordsOf(new Float64Array(count)), at: 0, extras: undefined, isPlain: true };
  const pieces = [{ firstMs: fromMs, chunkId: 1, count, mask: undefined }];
  return {
    labels: labelsFrom({ [METRIC_NAME]: name }),
    ref: 1 as SeriesRef,
    producer: undefined,
    line: { key: name, pieces, count },
    sources: [open],
    open: undefined,
  };
}

async function namesOf(picks: readonly Pick[], limit: number): Promise<readonly string[]> {
  const scope = { views: new Map(), window: { fromMs: 999_999, toMs: 2_000_000 }, limit, memory: undefined };
  const found = await decodeInTurns(picks, scope, UNMINDED);
  if (found === 'stopped' || !found.ok) throw new Error('not decoded');
  return found.value.map(({ labels }) => labelValue(labels, METRIC_NAME));
}

describe('decoding in turns', () => {
  // More samples than are decoded without giving way.
  const silent = pickOf('silent', 0, 600_000);

  it('goes on behind very many samples of which none is in the window', async () => {
    expect(await namesOf([silent, pickOf('b', 1_000_000, 10), pickOf('c', 1_000_000, 10)], 0)).toEqual([
      'b',
      'c',
    ]);
  });

  it('ends at the limit of series', async () => {
    const many = pickOf('b', 1_000_000, 600_000);
    expect(await namesOf([silent, many, pickOf('c', 1_000_000, 10)], 1)).toEqual(['b']);
    expect(await namesOf([silent, many, pickOf('c', 1_000_000, 10)], 2)).toEqual(['b', 'c']);
  });
});
