// Names and values of labels out of the label sets of many series, giving way between them.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { compareUtf8, inTurns, ok, type Result, sortInTurns } from '../base/index.ts';
import type { Labels, ReadFailure, ReadWork } from '../model/index.ts';
import { STOPPED, UNMINDED } from './read.ts';

/** Label sets between two yields: some tens of microseconds. */
const LABELS_AT_ONCE = 256;

/** Each once, in byte order. */
export async function distinctTexts(
  list: readonly Labels[],
  textsOf: (labels: Labels) => readonly string[],
  work: ReadWork = UNMINDED,
): Promise<Result<readonly string[], ReadFailure>> {
  const texts = await inTurns(collecting(list, textsOf), work);
  const sorted = texts && (await sortInTurns(texts, compareUtf8, work));
  return sorted === undefined ? STOPPED : ok(sorted);
}

function* collecting(
  list: readonly Labels[],
  textsOf: (labels: Labels) => readonly string[],
): Generator<void, readonly string[]> {
  const texts = new Set<string>();
  for (let i = 0; i < list.length; i++) {
    for (const text of textsOf(list[i]!)) texts.add(text);
    if ((i + 1) % LABELS_AT_ONCE === 0) yield;
  }
  return [...texts];
}

export function labelNamesOf(labels: Labels): readonly string[] {
  return labels.filter((_, i) => i % 2 === 0);
}
