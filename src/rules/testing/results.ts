// What a check expects and what it got: as text to show, and part by part to tell what differs.

import { formatLabels, type Labels, labelPairs, labelsKey } from '../../model/index.ts';
import { formatG } from '../../template/index.ts';
import { printHistogram } from './histogram-notation.ts';
import type { ExpectedSample } from './test-file.ts';

/** An alert or a sample. */
export interface TestItem {
  readonly text: string;
  /** Labels by name, "annotations.NAME", "value". */
  readonly parts: readonly (readonly [name: string, value: string])[];
}

export function alertItem(labels: Labels, annotations: Labels): TestItem {
  const told = [...labelPairs(annotations)].map(([name, value]) => [`annotations.${name}`, value] as const);
  const more = annotations.length === 0 ? '' : ` annotations ${formatLabels(annotations)}`;
  return {
    text: `${formatLabels(labels)}${more}`,
    parts: [...labelPairs(labels), ...told],
  };
}

export function sampleItem({ labels, value, histogram }: ExpectedSample): TestItem {
  // As numbers, 0 and -0 are the same.
  const written = histogram === undefined ? formatG(value === 0 ? 0 : value) : printHistogram(histogram);
  return {
    text: `${formatLabels(labels)} ${written}`,
    parts: [...labelPairs(labels), ['value', written]],
  };
}

export function sameItems(expected: readonly TestItem[], got: readonly TestItem[]): boolean {
  const found = sorted(got);
  return expected.length === got.length && sorted(expected).every((text, i) => text === found[i]);
}

function sorted(items: readonly TestItem[]): readonly string[] {
  return items.map(({ text }) => text).sort();
}

/** `fuzzy_compare`: the same series, and values that are the same or the next number to it. */
export function nearlySame(expected: readonly ExpectedSample[], got: readonly ExpectedSample[]): boolean {
  if (expected.length !== got.length) return false;
  const byLabels = new Map(got.map(one => [labelsKey(one.labels), one]));
  return expected.every(sample => {
    const found = byLabels.get(labelsKey(sample.labels));
    if (found === undefined) return false;
    if (sample.histogram !== undefined || found.histogram !== undefined)
      return sampleItem(sample).text === sampleItem(found).text;
    return areNeighbours(sample.value, found.value);
  });
}

function areNeighbours(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  const distance = rankOf(a) - rankOf(b);
  return distance >= -1n && distance <= 1n;
}

/** Floats in their order as whole numbers without a hole: neighbours differ by one. */
function rankOf(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigInt64(0);
  return bits >= 0n ? bits : -(2n ** 63n) - bits;
}
