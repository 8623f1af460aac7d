// Whether a block's index agrees with itself: series in the order of their labels, the postings as the labels have it, strings
// in their order, and the counts of the meta.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { compareLabels, type Labels } from '../../model/index.ts';
import type { BlockMeta } from '../block/meta.ts';
import type { IndexWalk } from './index-walk.ts';

/** Tells of an entry that is wrong, with its place in the content. */
export type Tell = (message: string, contentAt: number) => void;

/** Unsound pages have been told of: what lies in them is passed over if `hasBadPages`. */
export function checkIndex(
  {
    walk,
    meta,
    hasBadPages,
  }: {
    readonly walk: IndexWalk;
    readonly meta: BlockMeta;
    readonly hasBadPages: boolean;
  },
  tell: Tell,
): void {
  const expected = new Members(walk.valueCount);
  let before: Labels | undefined;
  let refMax = 0;
  for (let number = 0; number < walk.seriesCount; number++) {
    const series = walk.series(number);
    if (series === undefined) {
      if (!hasBadPages) tell(`Series ${number} makes no sense`, walk.placeOfSeries(number));
      continue;
    }
    if (before !== undefined && compareLabels(before, series.labels) >= 0)
      tell(`Series ${number} is not in the order of labels`, walk.placeOfSeries(number));
    before = series.labels;
    refMax = Math.max(refMax, series.ref);
    for (const value of series.values) expected.add(value, number);
  }
  if (refMax > meta.refMax)
    tell(`A series has ref ${refMax}, the meta knows up to ${meta.refMax}`, meta.sections.series);
  checkStrings(walk, hasBadPages, tell);
  checkPostings({ walk, expected, hasBadPages }, tell, meta.sections.postings);
}

function checkStrings(walk: IndexWalk, hasBadPages: boolean, tell: Tell): void {
  for (const { name, first, count } of walk.names) {
    let before: Uint8Array | undefined;
    for (let value = first; value < first + count; value++) {
      const bytes = walk.valueBytes(value);
      if (bytes === undefined && hasBadPages) continue;
      if (bytes === undefined || (before !== undefined && Buffer.compare(before, bytes) >= 0))
        tell(`The values of label "${name}" are not in their order`, 0);
      before = bytes;
    }
  }
}

function checkPostings(
  { walk, expected, hasBadPages }: { walk: IndexWalk; expected: Members; hasBadPages: boolean },
  tell: Tell,
  at: number,
): void {
  // Where series are missing nothing can be said of the lists.
  if (hasBadPages) return;
  const listed = new Members(walk.valueCount);
  for (let value = 0; value < walk.valueCount; value++) {
    const numbers = walk.postings(value);
    if (numbers === undefined) {
      tell(`List ${value} of series makes no sense`, at);
      continue;
    }
    for (const number of numbers) listed.add(value, number);
    if (!listed.agrees(expected, value))
      tell(`List ${value} of series is not what the labels of the series say`, at);
  }
}

/** Which series have a value: their number and a sum over theirs, in place of the lists. */
class Members {
  readonly #counts: Uint32Array;
  readonly #sums: Uint32Array;

  constructor(values: number) {
    this.#counts = new Uint32Array(values);
    this.#sums = new Uint32Array(values);
  }

  add(value: number, series: number): void {
    this.#counts[value]!++;
    // Which numbers they are, in the order in which they rise on both sides.
    this.#sums[value] = Math.imul(this.#sums[value]! ^ (series + 1), 0x01000193);
  }

  agrees(other: Members, value: number): boolean {
    return this.#counts[value] === other.#counts[value] && this.#sums[value] === other.#sums[value];
  }
}
