// A page into a batch of samples: refs, duplicates, limits, staleness and the report series, as Prometheus has them.
// Synchronous; the runner does the I/O around it.

import {
  badNames,
  decodeSeries,
  exemplarOf,
  OpenMetricsReader,
  type PageReader,
  TextReader,
} from '../../exposition/index.ts';
import {
  type Exemplar,
  labelsEqual,
  METRIC_NAME,
  type MetricMetadata,
  type SampleBatch,
  type SeriesRef,
  type SeriesWriter,
  type TargetId,
  withLabels,
} from '../../model/index.ts';
import { SampleColumns } from './columns.ts';
import { type LabelLimits, limitProblem } from './label-limits.ts';
import { type LayoutHost, PageLayout } from './layout.ts';
import { joinLabels, type LabelRules } from './sample-labels.ts';

export interface BatchSettings {
  readonly producer: TargetId;
  readonly rules: LabelRules;
  readonly honorTimestamps: boolean;
  readonly trackTimestampsStaleness: boolean;
  /** 0 is no limit. */
  readonly sampleLimit: number;
  readonly labelLimits: LabelLimits;
  /** Series held of the target; 0 is no limit. */
  readonly seriesMax: number;
}

export type PageFormat = 'text' | 'openmetrics';

export interface Page {
  readonly bytes: Uint8Array;
  readonly format: PageFormat;
}

/** What happened to one page. */
export interface PageReport {
  /** "" when the page was taken. */
  readonly error: string;
  readonly lines: number;
  /** After relabelling, duplicates included: what the page exposes. */
  readonly kept: number;
  readonly seriesAdded: number;
  readonly duplicates: number;
  /** Series that the store did not take, or that are beyond the target's limit. */
  readonly refused: number;
  /** Of those, the ones beyond the target's limit. */
  readonly beyond: number;
  /** Lines that were not where the layout predicted them. */
  readonly missed: number;
  readonly staleMarkers: number;
}

const REPORT_NAMES = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
] as const;

interface Tally {
  kept: number;
  /** Different ones with a ref. */
  series: number;
  seriesAdded: number;
  duplicates: number;
  refused: number;
  beyond: number;
  error: string;
}

/** Owns what is known about the series of one target. */
export class TargetBatcher implements LayoutHost {
  readonly #writer: SeriesWriter;
  #settings: BatchSettings;
  readonly #layout = new PageLayout();
  /** Pages are numbered, so that "seen last time" is one comparison. */
  #page = 0;
  /** The store's when the last page was read: while it is the same, what stood on that page has a live ref. */
  #generation = -1;
  #isLastPageLive = false;
  /** Canonical entries that the last page held and that get a stale marker when they vanish. */
  #tracked: number[] = [];
  #trackedNow: number[] = [];
  /** The same by ref, from before the table was started anew. */
  #orphans: number[] = [];
  #reportRefs: (SeriesRef | undefined)[] = [];
  #series: Uint32Array = new Uint32Array(0);
  #columns = new SampleColumns(new Uint32Array(0));
  #exemplars: { readonly index: number; readonly exemplar: Exemplar }[] = [];
  #tally: Tally = newTally();

  constructor(writer: SeriesWriter, settings: BatchSettings) {
    this.#writer = writer;
    this.#settings = settings;
  }

  /** Takes new settings. What texts mean is worked out again; series that do not come back become stale. */
  configure(settings: BatchSettings): void {
    const sameLabels = labelsEqual(settings.rules.targetLabels, this.#settings.rules.targetLabels);
    this.#settings = settings;
    this.#startAnew();
    if (sameLabels) return;
    for (const ref of this.#reportRefs) if (ref !== undefined) this.#orphans.push(ref);
    this.#reportRefs = [];
  }

  /** Reads a page (undefined: the scrape failed with `error`). Then `finish` gives the batch. */
  readPage(page: Page | undefined, error: string): PageReport {
    this.#isLastPageLive = this.#writer.generation === this.#generation;
    this.#generation = this.#writer.generation;
    this.#page++;
    this.#tally = newTally();
    this.#trackedNow = [];
    this.#exemplars = [];
    this.#columns = new SampleColumns(this.#series);
    let lines = 0;
    let missed = 0;
    if (page === undefined) this.#tally.error = error;
    else {
      const { bytes, format } = page;
      const reader = format === 'openmetrics' ? new OpenMetricsReader(bytes) : new TextReader(bytes);
      const counts = this.#layout.read(reader, this);
      if (counts !== 'stopped' && 'lines' in counts) ({ lines, missed } = counts);
      else if (counts !== 'stopped') this.#tally.error = counts.message;
      this.#checkLimit();
    }
    const failed = this.#tally.error !== '';
    if (failed) {
      // Half a page would look like vanished series: nothing of it is written, and all of the target's series end.
      this.#columns = new SampleColumns(this.#series);
      this.#trackedNow = [];
      this.#exemplars = [];
    }
    const staleMarkers = this.#markVanished(failed);
    this.#tracked = this.#trackedNow;
    // Series that have gone count until the table is started anew.
    const hasGone = this.#tally.beyond > 0 && this.#layout.table.series > this.#tally.series;
    if (!failed && (hasGone || this.#layout.isCrowded(lines))) this.#startAnew();
    return { ...this.#tally, lines, missed, staleMarkers };
  }

  /** Adds the report series and closes the batch. */
  finish(report: PageReport, at: { readonly timestampMs: number; readonly durationMs: number }): SampleBatch {
    const values = [
      report.error === '' ? 1 : 0,
      at.durationMs / 1000,
      report.lines,
      report.kept,
      report.seriesAdded,
    ];
    REPORT_NAMES.forEach((name, i) => {
      const ref = this.#reportRef(name, i);
      if (ref !== undefined) this.#columns.pushNumber(ref, values[i] as number);
    });
    return this.#close(at.timestampMs, this.#layout.takeMetadata());
  }

  /** Stale markers for everything, the report series too: the target is gone. */
  finishForGood(timestampMs: number): SampleBatch {
    this.#page++;
    this.#columns = new SampleColumns(new Uint32Array(0));
    this.#trackedNow = [];
    this.#markVanished(true);
    for (const ref of this.#reportRefs) {
      if (ref !== undefined && this.#writer.isLive(ref)) this.#columns.pushStale(ref);
    }
    this.#tracked = [];
    this.#reportRefs = [];
    return this.#close(timestampMs, []);
  }

  onSample(entry: number, reader: PageReader): boolean {
    const { table } = this.#layout;
    const page = this.#page;
    if (!table.isLive(entry) && !this.#resolve(entry)) return this.#tally.error === '';
    let canonical = table.canonical[entry] as number;
    const seenOn = table.seenOn[canonical] as number;
    const isSure = seenOn === page || (this.#isLastPageLive && seenOn === page - 1);
    if (!isSure && !this.#writer.isLive(table.refs[entry] as SeriesRef)) {
      if (!this.#resolve(entry)) return this.#tally.error === '';
      canonical = table.canonical[entry] as number;
    }
    const { honorTimestamps, trackTimestampsStaleness, sampleLimit } = this.#settings;
    const { timestampMs } = reader;
    const timed = honorTimestamps && !Number.isNaN(timestampMs);
    this.#tally.kept++;
    if (seenOn === page && !timed) {
      this.#tally.duplicates++;
      return true;
    }
    if (seenOn !== page) this.#tally.series++;
    table.seenOn[canonical] = page;
    if ((!timed || trackTimestampsStaleness) && table.trackedOn[canonical] !== page) {
      table.trackedOn[canonical] = page;
      this.#trackedNow.push(canonical);
    }
    if (sampleLimit > 0 && this.#columns.count >= sampleLimit) return true;
    if (reader.exemplarEnd > 0)
      this.#exemplars.push({ index: this.#columns.count, exemplar: exemplarOf(reader) });
    this.#columns.push(table.refs[entry] as number, reader.valueWords, timed ? timestampMs : Number.NaN);
    return true;
  }

  /** Decodes, joins and interns a text. False when it has no ref; the tally's error is set if the page is spoilt. */
  #resolve(entry: number): boolean {
    const { table } = this.#layout;
    const state = table.stateOf(entry);
    if (state === 'dropped') return false;
    // Not decoded once more on each page: an exporter gone wild may have a million of them.
    if (state === 'refused' && this.#isFull()) return this.#refuseBeyond(entry);
    const text = table.textOf(entry);
    const pairs = decodeSeries(text, table.typeOf(entry));
    const bad = badNames(pairs);
    if (bad !== undefined) {
      this.#tally.error = `Cannot take ${JSON.stringify(new TextDecoder().decode(text))}: ${bad}`;
      return false;
    }
    const joined = joinLabels(pairs, this.#settings.rules);
    if (joined.kind === 'dropped') {
      table.setDropped(entry);
      return false;
    }
    if (joined.kind === 'nameless') {
      this.#tally.error = `Cannot take ${JSON.stringify(new TextDecoder().decode(text))}: metric_relabel_configs left no metric name`;
      return false;
    }
    const { sampleLimit, labelLimits } = this.#settings;
    const problem = limitProblem(joined.labels, labelLimits);
    if (problem !== '') {
      this.#tally.error = problem;
      return false;
    }
    if (sampleLimit > 0 && this.#tally.kept >= sampleLimit) {
      // The page is refused at its end: its series must not fill the store first.
      this.#tally.kept++;
      return false;
    }
    if (this.#isFull()) return this.#refuseBeyond(entry);
    const ref = this.#writer.intern(joined.labels);
    if (!ref.ok) {
      table.setRefused(entry);
      this.#tally.kept++;
      this.#tally.refused++;
      return false;
    }
    table.setRef(entry, ref.value);
    this.#tally.seriesAdded++;
    return true;
  }

  #isFull(): boolean {
    const { seriesMax } = this.#settings;
    return seriesMax > 0 && this.#layout.table.series >= seriesMax;
  }

  #refuseBeyond(entry: number): false {
    this.#layout.table.setRefused(entry);
    this.#tally.kept++;
    this.#tally.refused++;
    this.#tally.beyond++;
    return false;
  }

  #checkLimit(): void {
    const { sampleLimit } = this.#settings;
    if (sampleLimit === 0 || this.#tally.kept <= sampleLimit || this.#tally.error !== '') return;
    this.#tally.error = `Cannot take ${this.#tally.kept} samples: sample_limit is ${sampleLimit}`;
  }

  /** Stale markers for what the last page held and this one does not. */
  #markVanished(all: boolean): number {
    const { table } = this.#layout;
    const before = this.#columns.count;
    for (const entry of this.#tracked) {
      if (!all && table.trackedOn[entry] === this.#page) continue;
      this.#pushStale(table.refs[entry] as number);
    }
    if (this.#orphans.length > 0) {
      const present = new Set<number>();
      for (const entry of this.#trackedNow) present.add(table.refs[entry] as number);
      for (const ref of this.#orphans) if (!present.has(ref)) this.#pushStale(ref);
      this.#orphans = [];
    }
    return this.#columns.count - before;
  }

  #pushStale(ref: number): void {
    if (this.#writer.isLive(ref as SeriesRef)) this.#columns.pushStale(ref);
  }

  #startAnew(): void {
    const { table } = this.#layout;
    for (const entry of this.#tracked) this.#orphans.push(table.refs[entry] as number);
    this.#tracked = [];
    this.#layout.forget();
  }

  #reportRef(name: string, i: number): SeriesRef | undefined {
    const known = this.#reportRefs[i];
    if (known !== undefined && this.#writer.isLive(known)) return known;
    const labels = withLabels(this.#settings.rules.targetLabels, { [METRIC_NAME]: name });
    const ref = this.#writer.intern(labels);
    this.#reportRefs[i] = ref.ok ? ref.value : undefined;
    return this.#reportRefs[i];
  }

  #close(timestampMs: number, metadata: readonly MetricMetadata[]): SampleBatch {
    const columns = this.#columns.finish();
    this.#series = columns.series;
    const { producer } = this.#settings;
    const exemplars = this.#exemplars;
    this.#exemplars = [];
    return {
      producer,
      timestampMs,
      ...columns,
      ...(exemplars.length === 0 ? {} : { exemplars }),
      ...(metadata.length === 0 ? {} : { metadata }),
    };
  }
}

function newTally(): Tally {
  return { kept: 0, series: 0, seriesAdded: 0, duplicates: 0, refused: 0, beyond: 0, error: '' };
}
