// Turns metric families into a batch of samples, keeping each series' ref between rounds.

import {
  type FamilySample,
  type Labels,
  labelPairs,
  labelsFromPairs,
  labelsKey,
  METRIC_NAME,
  type MetricFamily,
  type MetricMetadata,
  type RefusalReason,
  type SampleBatch,
  type SeriesRef,
  type SeriesWriter,
  setStaleAt,
  type TargetId,
  wordsOf,
} from '../../model/index.ts';

interface Kept {
  ref: SeriesRef;
  /** The last round in which it had a sample. */
  round: number;
  readonly full: Labels;
}

/** What one round gave, ready for the store. */
export interface Round {
  readonly batch: SampleBatch;
  /** Samples of the source, without staleness markers and without the ones that were refused. */
  readonly samples: number;
  readonly added: number;
  readonly refused: number;
  readonly refusals: ReadonlySet<RefusalReason>;
}

export interface RoundInput {
  readonly families: readonly MetricFamily[];
  /** Samples beside the families': name → value, with the target's labels only ("up"). */
  readonly own: (counted: {
    readonly samples: number;
    readonly added: number;
  }) => readonly (readonly [string, number])[];
  readonly timestampMs: number;
}

/** Owns the refs of one source's series. */
export class SeriesMemory {
  readonly #writer: SeriesWriter;
  readonly #producer: TargetId;
  readonly #targetLabels: Labels;
  /** By metric name, then by the key of the sample's own labels. */
  readonly #kept = new Map<string, Map<string, Kept>>();
  readonly #described = new Map<string, string>();
  #round = 0;

  constructor(writer: SeriesWriter, producer: TargetId, targetLabels: Labels) {
    this.#writer = writer;
    this.#producer = producer;
    this.#targetLabels = targetLabels;
  }

  /** All samples of a round; series of the round before that are missing end with a staleness marker. */
  next(input: RoundInput): Round {
    this.#round++;
    const refs: number[] = [];
    const values: number[] = [];
    const refusals = new Set<RefusalReason>();
    let added = 0;
    let refused = 0;
    const put = (name: string, labels: Labels, value: number): void => {
      const found = this.#find(name, labels);
      if (typeof found === 'string') {
        refusals.add(found);
        refused++;
        return;
      }
      // Of two samples of one series in a page the first counts.
      if (found.kept.round === this.#round) return;
      if (found.isNew) added++;
      found.kept.round = this.#round;
      refs.push(found.kept.ref);
      values.push(value);
    };
    for (const family of input.families) {
      for (const sample of family.samples) put(family.name + sample.suffix, sample.labels, sample.value);
    }
    const samples = refs.length;
    const counted = { samples, added };
    for (const [name, value] of input.own(counted)) put(name, NO_OWN_LABELS, value);
    const stale = this.#takeVanished();
    const metadata = this.#newMetadata(input.families);
    return {
      batch: { ...this.#batch(refs, values, stale), timestampMs: input.timestampMs, ...metadata },
      samples,
      added: counted.added,
      refused,
      refusals,
    };
  }

  /** Ends every series that is still going: the source stopped for good. */
  end(timestampMs: number): SampleBatch {
    this.#round++;
    return { ...this.#batch([], [], this.#takeVanished()), timestampMs };
  }

  #find(name: string, labels: Labels): { readonly kept: Kept; readonly isNew: boolean } | RefusalReason {
    let byLabels = this.#kept.get(name);
    if (byLabels === undefined) {
      byLabels = new Map();
      this.#kept.set(name, byLabels);
    }
    const key = labelsKey(labels);
    const known = byLabels.get(key);
    if (known !== undefined) {
      if (this.#writer.isLive(known.ref)) return { kept: known, isNew: false };
      const again = this.#writer.intern(known.full);
      if (!again.ok) return again.error;
      known.ref = again.value;
      return { kept: known, isNew: true };
    }
    const full = this.#withTarget(name, labels);
    const interned = this.#writer.intern(full);
    if (!interned.ok) return interned.error;
    const kept: Kept = { ref: interned.value, round: -1, full };
    byLabels.set(key, kept);
    return { kept, isNew: true };
  }

  /** As in a scrape without honor_labels: the target's labels win, the sample's own are kept as exported_NAME. */
  #withTarget(name: string, labels: Labels): Labels {
    const target = new Map(labelPairs(this.#targetLabels));
    const pairs: (readonly [string, string])[] = [];
    const taken = new Set([...target.keys(), ...[...labelPairs(labels)].map(([key]) => key)]);
    for (const [key, value] of labelPairs(labels)) {
      let free = key;
      if (target.has(key)) {
        do free = `exported_${free}`;
        while (taken.has(free));
        taken.add(free);
      }
      pairs.push([free, value]);
    }
    return labelsFromPairs([...pairs, ...target, [METRIC_NAME, name]]);
  }

  #takeVanished(): number[] {
    const stale: number[] = [];
    for (const [name, byLabels] of this.#kept) {
      for (const [key, kept] of byLabels) {
        if (kept.round === this.#round) continue;
        byLabels.delete(key);
        if (this.#writer.isLive(kept.ref)) stale.push(kept.ref);
      }
      if (byLabels.size === 0) this.#kept.delete(name);
    }
    return stale;
  }

  #batch(
    refs: readonly number[],
    values: readonly number[],
    stale: readonly number[],
  ): Pick<SampleBatch, 'producer' | 'series' | 'values'> {
    const series = Uint32Array.from([...refs, ...stale]);
    const column = new Float64Array(series.length);
    column.set(values);
    const words = wordsOf(column);
    // Markers go in by their bits: as a JavaScript number the NaN might lose its signalling bit.
    for (let i = refs.length; i < series.length; i++) setStaleAt(words, i);
    return { producer: this.#producer, series, values: column };
  }

  /** Type and help go along once, and again when they change. */
  #newMetadata(families: readonly MetricFamily[]): { readonly metadata?: readonly MetricMetadata[] } {
    const metadata: MetricMetadata[] = [];
    for (const { name, type, help } of families) {
      const described = `${type}\0${help}`;
      if (this.#described.get(name) === described) continue;
      this.#described.set(name, described);
      metadata.push({ metric: name, type, help, unit: '' });
    }
    return metadata.length === 0 ? {} : { metadata };
  }
}

const NO_OWN_LABELS: FamilySample['labels'] = labelsFromPairs([]);
