// A page into a batch of samples: refs, duplicates, limits, staleness and the report series, as Prometheus has them.
// Synchronous; the runner does the I/O around it.

import {
  badNames,
  decodeSeries,
  exemplarOf,
  OpenMetricsReader,
  type PageReader,
  ProtobufReader,
  TextReader,
} from '../../exposition/index.ts';
import {
  badHistogram,
  compactHistogram,
  type Exemplar,
  labelsEqual,
  limitHistogram,
  METRIC_NAME,
  type MetricMetadata,
  type NativeHistogram,
  type SampleBatch,
  type SeriesRef,
  type SeriesWriter,
  type TargetId,
  withLabels,
} from '../../model/index.ts';
import { SampleColumns } from './columns.ts';
import { type ConvertedHistogram, CustomBoundsCollector, type SampleFacts } from './custom-bounds.ts';
import { EntryList } from './entry-list.ts';
import type { HistogramSettings } from './job.ts';
import { type LabelLimits, limitProblem } from './label-limits.ts';
import { type LayoutHost, PageLayout } from './layout.ts';
import type { PageFormat } from './negotiation.ts';
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
  readonly histograms: HistogramSettings;
  /** Whether the batch also tells the settings of the scrape and the size of the page. */
  readonly extraMetrics: boolean;
  readonly timeoutMs: number;
}

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

/** With `extra_scrape_metrics`. */
const EXTRA_NAMES = ['scrape_timeout_seconds', 'scrape_sample_limit', 'scrape_body_size_bytes'] as const;

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
  #tracked = new EntryList();
  #trackedNow = new EntryList();
  /** The same by ref, from before the table was started anew. */
  #orphans: number[] = [];
  #reportRefs: (SeriesRef | undefined)[] = [];
  readonly #columns = new SampleColumns();
  #exemplars: { readonly index: number; readonly exemplar: Exemplar }[] = [];
  readonly #converter = new CustomBoundsCollector();
  #tally: Tally = newTally();

  constructor(writer: SeriesWriter, settings: BatchSettings) {
    this.#writer = writer;
    this.#settings = settings;
  }

  get metadata(): readonly MetricMetadata[] {
    return this.#layout.metadata;
  }

  /** Takes new settings. What texts mean is worked out again; series that do not come back become stale. */
  configure(settings: BatchSettings): void {
    const sameLabels = labelsEqual(settings.rules.targetLabels, this.#settings.rules.targetLabels);
    this.#settings = settings;
    this.#startAnew();
    const kept = sameLabels ? REPORT_NAMES.length + (settings.extraMetrics ? EXTRA_NAMES.length : 0) : 0;
    for (const ref of this.#reportRefs.splice(kept)) if (ref !== undefined) this.#orphans.push(ref);
  }

  /**
   * Reads a page (undefined: the scrape failed with `error`). Then `finish` gives the batch, which must not be in use any
   * more when the next page is read.
   */
  readPage(page: Page | undefined, error: string): PageReport {
    this.#isLastPageLive = this.#writer.generation === this.#generation;
    this.#generation = this.#writer.generation;
    this.#page++;
    this.#tally = newTally();
    this.#trackedNow.clear();
    this.#exemplars = [];
    this.#columns.restart();
    let lines = 0;
    let missed = 0;
    if (page === undefined) this.#tally.error = error;
    else {
      const counts = this.#layout.read(readerOf(page, this.#settings.histograms), this);
      this.#converter.finish(this.#takeConverted);
      if (counts !== 'stopped' && 'lines' in counts) ({ lines, missed } = counts);
      else if (counts !== 'stopped') this.#tally.error = counts.message;
      this.#checkLimit();
    }
    const failed = this.#tally.error !== '';
    if (failed) {
      // Half a page would look like vanished series: nothing of it is written, and all of the target's series end.
      this.#columns.restart();
      this.#trackedNow.clear();
      this.#exemplars = [];
    }
    const staleMarkers = this.#markVanished(failed);
    [this.#tracked, this.#trackedNow] = [this.#trackedNow, this.#tracked];
    // Series that have gone count until the table is started anew.
    const hasGone = this.#tally.beyond > 0 && this.#layout.table.series > this.#tally.series;
    if (!failed && (hasGone || this.#layout.isCrowded(lines))) this.#startAnew();
    return { ...this.#tally, lines, missed, staleMarkers };
  }

  /** Adds the report series and closes the batch. */
  finish(
    report: PageReport,
    at: {
      readonly timestampMs: number;
      readonly durationMs: number;
      /** Of the page, decompressed; 0 without one, -1 for one that was too large. */
      readonly bodyBytes: number;
    },
  ): SampleBatch {
    const { extraMetrics, timeoutMs, sampleLimit } = this.#settings;
    const values = [
      report.error === '' ? 1 : 0,
      at.durationMs / 1000,
      report.lines,
      report.kept,
      report.seriesAdded,
      ...(extraMetrics ? [timeoutMs / 1000, sampleLimit, at.bodyBytes] : []),
    ];
    [...REPORT_NAMES, ...(extraMetrics ? EXTRA_NAMES : [])].forEach((name, i) => {
      const ref = this.#reportRef(name, i);
      if (ref !== undefined) this.#columns.pushNumber(ref, values[i] as number);
    });
    return this.#close(at.timestampMs, this.#layout.takeMetadata());
  }

  /** Stale markers for everything, the report series too: the target is gone. */
  finishForGood(timestampMs: number): SampleBatch {
    this.#page++;
    this.#columns.restart();
    this.#trackedNow.clear();
    this.#markVanished(true);
    for (const ref of this.#reportRefs) {
      if (ref !== undefined && this.#writer.isLive(ref)) this.#columns.pushStale(ref);
    }
    this.#tracked.clear();
    this.#reportRefs = [];
    // Whoever takes the target away waits for this.
    return { ...this.#close(timestampMs, []), canWait: false };
  }

  onSample(entry: number, reader: PageReader): boolean {
    const { toCustomBounds, classicToo } = this.#settings.histograms;
    if (!toCustomBounds) return this.#take(entry, reader, reader.exemplarEnd > 0 ? reader : undefined);
    const exemplars = reader.exemplarEnd > 0 ? [exemplarOf(reader)] : reader.exemplars;
    const facts = { ...factsOf(reader), exemplars };
    const isClassic =
      reader.type === 'histogram' && reader.histogram === undefined && this.#convert(entry, facts, reader);
    if (!isClassic) this.#converter.finish(this.#takeConverted);
    if (this.#tally.error !== '') return false;
    return isClassic && !classicToo ? true : this.#take(entry, facts, undefined);
  }

  #convert(entry: number, facts: SampleFacts, reader: PageReader): boolean {
    const text = (): Uint8Array => this.#layout.table.textOf(entry);
    const value = reader.value[0] as number;
    const isTypeSure = reader instanceof ProtobufReader;
    return this.#converter.take({ entry, text, value, isTypeSure }, facts, this.#takeConverted);
  }

  /** A native histogram of the same name that stands on the page itself is the better one. */
  readonly #takeConverted = (converted: ConvertedHistogram): void => {
    const { table } = this.#layout;
    const { text } = converted;
    const known = table.find(text, 0, text.length);
    const entry = known >= 0 ? known : table.add(text, { start: 0, end: text.length }, 'histogram');
    this.#take(entry, converted, undefined);
  };

  /** False ends the page: the tally then says why. `withExemplar` has one in its text. */
  #take(entry: number, facts: SampleFacts, withExemplar: PageReader | undefined): boolean {
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
    const { timestampMs, histogram } = facts;
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
    if (withExemplar !== undefined)
      this.#exemplars.push({ index: this.#columns.count, exemplar: exemplarOf(withExemplar) });
    // Most samples have none, and a loop over nothing makes an iterator each time.
    if (facts.exemplars.length > 0)
      for (const exemplar of facts.exemplars) this.#exemplars.push({ index: this.#columns.count, exemplar });
    if (histogram !== undefined && !this.#takeHistogram(entry, histogram)) return false;
    this.#columns.push(table.refs[entry] as number, facts.valueWords, timed ? timestampMs : Number.NaN);
    this.#columns.setStart(facts.startMs);
    return true;
  }

  /** Puts it in the place of the next value. False when it spoils the page. */
  #takeHistogram(entry: number, histogram: NativeHistogram): boolean {
    const limited = limitHistogram(compactHistogram(histogram), this.#settings.histograms.limits);
    const problem = limited.ok ? badHistogram(limited.value) : limited.error;
    if (limited.ok && problem === undefined) {
      this.#columns.histogram(limited.value);
      return true;
    }
    const text = JSON.stringify(new TextDecoder().decode(this.#layout.table.textOf(entry)));
    this.#tally.error = `Cannot take the native histogram ${text}: ${problem}`;
    return false;
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
    for (let i = 0; i < this.#tracked.length; i++) {
      const entry = this.#tracked.at(i);
      if (!all && table.trackedOn[entry] === this.#page) continue;
      this.#pushStale(table.refs[entry] as number);
    }
    if (this.#orphans.length > 0) {
      const present = new Set<number>();
      for (let i = 0; i < this.#trackedNow.length; i++)
        present.add(table.refs[this.#trackedNow.at(i)] as number);
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
    for (let i = 0; i < this.#tracked.length; i++)
      this.#orphans.push(table.refs[this.#tracked.at(i)] as number);
    this.#tracked.clear();
    this.#converter.forget();
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
    const { producer } = this.#settings;
    const exemplars = this.#exemplars;
    this.#exemplars = [];
    return {
      producer,
      timestampMs,
      isLent: true,
      canWait: true,
      ...this.#columns.finish(),
      ...(exemplars.length === 0 ? {} : { exemplars }),
      ...(metadata.length === 0 ? {} : { metadata }),
    };
  }
}

function readerOf({ bytes, format }: Page, histograms: HistogramSettings): PageReader {
  switch (format) {
    case 'openmetrics':
      return new OpenMetricsReader(bytes);
    case 'protobuf':
      return new ProtobufReader(bytes, histograms);
    default:
      return new TextReader(bytes);
  }
}

function factsOf({
  valueWords,
  timestampMs,
  startMs,
  histogram,
}: PageReader): Omit<SampleFacts, 'exemplars'> {
  return { valueWords, timestampMs, startMs, histogram };
}

function newTally(): Tally {
  return { kept: 0, series: 0, seriesAdded: 0, duplicates: 0, refused: 0, beyond: 0, error: '' };
}
