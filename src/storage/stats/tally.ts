// What is counted of the series of a store: by metric, by label, and which of them are new.

import { type Labels, labelValue, METRIC_NAME } from '../../model/index.ts';

export interface MetricStats {
  readonly metric: string;
  /** Different label sets in blocks and head together. */
  readonly series: number;
  readonly samples: number;
  /** On disk: its columns, and each series its part of what all share. */
  readonly bytes: number;
}

export interface LabelStats {
  readonly label: string;
  readonly values: number;
  /** That have it. */
  readonly series: number;
  /** Of its different values. */
  readonly bytes: number;
}

interface MetricTally {
  series: number;
  samples: number;
  bytes: number;
}

interface LabelTally {
  readonly values: Set<number>;
  series: number;
  bytes: number;
}

/** A block, or the head. */
export interface Place {
  /** Series that no place before it has. */
  newSeries: number;
}

export class Tally {
  readonly #metrics = new Map<string, MetricTally>();
  readonly #labels = new Map<string, LabelTally>();
  readonly #seen = new Set<number>();

  /** Series that are different over all places. */
  get series(): number {
    return this.#seen.size;
  }

  add(labels: Labels, of: { readonly samples: number; readonly bytes: number }, place: Place): void {
    const key = keyOf(labels);
    const isNew = !this.#seen.has(key);
    const metric = this.#metricOf(labelValue(labels, METRIC_NAME));
    metric.samples += of.samples;
    metric.bytes += of.bytes;
    if (!isNew) return;
    this.#seen.add(key);
    place.newSeries++;
    metric.series++;
    for (let i = 0; i < labels.length; i += 2) this.#addLabel(labels[i] ?? '', labels[i + 1] ?? '');
  }

  metrics(): readonly MetricStats[] {
    return [...this.#metrics].map(([metric, tally]) => ({ metric, ...tally }));
  }

  labels(): readonly LabelStats[] {
    return [...this.#labels].map(([label, { values, series, bytes }]) => ({
      label,
      values: values.size,
      series,
      bytes,
    }));
  }

  #metricOf(name: string): MetricTally {
    const known = this.#metrics.get(name);
    if (known !== undefined) return known;
    const made = { series: 0, samples: 0, bytes: 0 };
    this.#metrics.set(name, made);
    return made;
  }

  #addLabel(name: string, value: string): void {
    let tally = this.#labels.get(name);
    if (tally === undefined) {
      tally = { values: new Set(), series: 0, bytes: 0 };
      this.#labels.set(name, tally);
    }
    tally.series++;
    const key = hashOf([value]);
    if (tally.values.has(key)) return;
    tally.values.add(key);
    tally.bytes += Buffer.byteLength(value);
  }
}

/** Label sets by a number: of a million no two are likely to share one, and a count may be off by one then. */
function keyOf(labels: Labels): number {
  return hashOf(labels);
}

/** 53 bits. */
function hashOf(texts: readonly string[]): number {
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (const text of texts) {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul(b ^ unit, 0x5bd1e995);
      b ^= b >>> 15;
    }
    a = Math.imul(a ^ 0xff, 0x01000193);
    b = Math.imul(b ^ 0x1ff, 0x5bd1e995);
  }
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}
