// The series that a queue sends: what relabelling makes of each, worked out once and written many times.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { ok, type Result } from '../base/index.ts';
import { type CompiledRelabelRule, labelFields, relabel, SymbolBook } from '../exposition/index.ts';
import {
  type AcceptedLog,
  type Labels,
  type LoggedSamples,
  type LogReadFailure,
  labelPairs,
  labelsFromPairs,
  labelValue,
  METRIC_NAME,
} from '../model/index.ts';

/** What is known of one series, and its samples in the piece that is under way. */
export interface SentSeries {
  readonly ref: number;
  /** Before relabelling: types and help texts are known by it. */
  readonly metric: string;
  /** Why none of it is sent. */
  readonly dropped: 'relabelled' | 'unnamed' | undefined;
  readonly labels: Labels;
  /** For 1.0, and for 2.0; made when first needed. */
  fields: Uint8Array | undefined;
  symbols: Uint32Array | undefined;
  /** Number of the piece that last had samples of it. */
  piece: number;
  /** Indices into the piece: its first sample and its last one. */
  first: number;
  last: number;
  /** Its samples did not come in the order of their times. */
  isUnsorted: boolean;
}

/** Looked through for what is gone after so many pieces. */
const SWEEP_PIECES = 200;
/** It is not worth it for fewer. */
const SWEEP_SERIES_MIN = 1000;

export class SeriesBook {
  readonly #log: AcceptedLog;
  readonly #rules: readonly CompiledRelabelRule[];
  readonly #externalLabels: Labels;
  #byRef = new Map<number, SentSeries>();
  /** A layout's refs are the same object in all its rows. */
  #byRefs = new WeakMap<object, readonly SentSeries[]>();
  #sweptAt = 0;
  symbols = new SymbolBook();

  constructor(
    log: AcceptedLog,
    how: { readonly rules: readonly CompiledRelabelRule[]; readonly externalLabels: Labels },
  ) {
    this.#log = log;
    this.#rules = how.rules;
    this.#externalLabels = how.externalLabels;
  }

  /** Of each column; it is made sure that all of them are known. */
  async of(
    columns: readonly LoggedSamples[],
  ): Promise<Result<readonly (readonly SentSeries[])[], LogReadFailure>> {
    const missing = new Set<number>();
    for (const { refs } of columns) {
      if (this.#byRefs.has(refs)) continue;
      for (let i = 0; i < refs.length; i++) if (!this.#byRef.has(refs[i]!)) missing.add(refs[i]!);
    }
    if (missing.size > 0) {
      const named = await this.#log.labels(missing);
      if (!named.ok) return named;
      for (const ref of missing) this.#byRef.set(ref, this.#series(ref, named.value.get(ref)));
    }
    return ok(columns.map(({ refs }) => this.#all(refs)));
  }

  get(ref: number): SentSeries | undefined {
    return this.#byRef.get(ref);
  }

  /** What has not been seen for long is forgotten, with all that is made of it. */
  sweep(piece: number): void {
    if (piece - this.#sweptAt < SWEEP_PIECES) return;
    const seen = this.#sweptAt;
    this.#sweptAt = piece;
    let gone = 0;
    for (const series of this.#byRef.values()) if (series.piece < seen) gone++;
    if (gone < SWEEP_SERIES_MIN || gone < this.#byRef.size / 2) return;
    this.#byRef = new Map();
    this.#byRefs = new WeakMap();
    this.symbols = new SymbolBook();
  }

  fieldsOf(series: SentSeries): Uint8Array {
    series.fields ??= labelFields(series.labels);
    return series.fields;
  }

  symbolsOf(series: SentSeries): Uint32Array {
    series.symbols ??= this.symbols.ids(series.labels);
    return series.symbols;
  }

  #all(refs: ArrayLike<number>): readonly SentSeries[] {
    const known = this.#byRefs.get(refs);
    if (known !== undefined) return known;
    const found = Array.from({ length: refs.length }, (_, i) => this.#byRef.get(refs[i]!)!);
    this.#byRefs.set(refs, found);
    return found;
  }

  /** Without labels: a series that is nowhere to be found any more. */
  #series(ref: number, own: Labels | undefined): SentSeries {
    const labels = own === undefined ? undefined : relabel(this.#withExternal(own), this.#rules);
    return {
      ref,
      metric: own === undefined ? '' : labelValue(own, METRIC_NAME),
      dropped:
        own === undefined
          ? 'unnamed'
          : labels === undefined || labels.length === 0
            ? 'relabelled'
            : undefined,
      labels: labels ?? labelsFromPairs([]),
      fields: undefined,
      symbols: undefined,
      piece: 0,
      first: -1,
      last: -1,
      isUnsorted: false,
    };
  }

  #withExternal(own: Labels): Labels {
    if (this.#externalLabels.length === 0) return own;
    // Of a repeated name the last wins: the series' own.
    return labelsFromPairs([...labelPairs(this.#externalLabels), ...labelPairs(own)]);
  }
}
