// A planned request as bytes, in either version of the protocol. What it is not to carry, or cannot, is left out and counted.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type SentSample, Snapper, snappyBody, WriteRequest1, WriteRequest2 } from '../exposition/index.ts';
import { CUSTOM_BOUNDS, type MetricMetadata, type NativeHistogram } from '../model/index.ts';
import type { Amounts } from './outcome.ts';
import type { PlannedRequest } from './plan.ts';
import type { SentSeries, SeriesBook } from './series.ts';
import type { WriteProtocol } from './settings.ts';

/** Why samples are left out of a request; Prometheus's words where it has some. */
export type LeftOutReason = 'too_old' | 'native_histograms_off' | 'nhcb_in_rw1_not_supported';

export interface EncodedRequest {
  readonly body: Uint8Array;
  /** Before compression. */
  readonly plainBytes: number;
  readonly amounts: Amounts;
  readonly leftOut: ReadonlyMap<LeftOutReason, number>;
}

export interface EncodeSettings {
  readonly protocol: WriteProtocol;
  /** Older samples are left out. */
  readonly oldestMs: number;
  readonly nativeHistograms: boolean;
  /** For 2.0, where it stands with the series. */
  readonly metadataOf: (metric: string) => MetricMetadata | undefined;
}

/** What both versions write, a series at a time. */
interface SeriesSink {
  /** A series that has one sample and nothing else. */
  single(series: SentSeries, sample: SentSample): void;
  begin(series: SentSeries): void;
  sample(sample: SentSample): void;
  histogram(histogram: NativeHistogram, at: { readonly timeMs: number; readonly startMs: number }): void;
  end(series: SentSeries, exemplars: readonly Parameters<WriteRequest1['exemplar']>[0][]): void;
}

/** Owns the memory that requests are written in. */
export class RequestEncoder {
  readonly #book: SeriesBook;
  readonly #snapper = new Snapper();
  readonly #v1 = new WriteRequest1();
  #v2: WriteRequest2;
  #symbols: SeriesBook['symbols'];

  constructor(book: SeriesBook) {
    this.#book = book;
    this.#symbols = book.symbols;
    this.#v2 = new WriteRequest2(this.#symbols);
  }

  encode(request: PlannedRequest, settings: EncodeSettings): EncodedRequest {
    const leftOut = new Map<LeftOutReason, number>();
    const isV1 = settings.protocol === 'prometheus.WriteRequest';
    const amounts = writeSeries(request, {
      sink: isV1 ? this.#sink1() : this.#sink2(settings),
      settings,
      leftOut,
    });
    return { ...this.#body(isV1 ? this.#v1.parts() : this.#v2.parts()), amounts, leftOut };
  }

  /** A request of 1.0 that has nothing but types and help texts. */
  encodeMetadata(metadata: readonly MetricMetadata[]): Pick<EncodedRequest, 'body' | 'plainBytes'> {
    this.#v1.begin();
    for (const one of metadata) this.#v1.metadata(one);
    return this.#body(this.#v1.parts());
  }

  #body(parts: readonly Uint8Array[]): Pick<EncodedRequest, 'body' | 'plainBytes'> {
    const plainBytes = parts.reduce((sum, part) => sum + part.length, 0);
    return { body: snappyBody(this.#snapper, parts), plainBytes };
  }

  #sink1(): SeriesSink {
    const writer = this.#v1;
    let mark = 0;
    writer.begin();
    return {
      single: (series, sample) => writer.single(this.#book.fieldsOf(series), sample),
      begin: series => {
        mark = writer.beginSeries(this.#book.fieldsOf(series));
      },
      sample: ({ words, i, timeMs }) => writer.sample(words, i, timeMs),
      histogram: (histogram, { timeMs }) => writer.histogram(histogram, timeMs),
      end: (_, exemplars) => {
        for (const exemplar of exemplars) writer.exemplar(exemplar);
        writer.endSeries(mark);
      },
    };
  }

  #sink2({ metadataOf }: EncodeSettings): SeriesSink {
    // Texts are numbered anew when the book has been swept.
    if (this.#symbols !== this.#book.symbols) {
      this.#symbols = this.#book.symbols;
      this.#v2 = new WriteRequest2(this.#symbols);
    }
    const writer = this.#v2;
    let mark = 0;
    let createdMs = Number.NaN;
    let isFirst = true;
    writer.begin();
    const note = (startMs: number): void => {
      // Where the samples do not agree only they themselves can say.
      createdMs = isFirst || startMs === createdMs ? startMs : Number.NaN;
      isFirst = false;
    };
    return {
      single: (series, sample) => {
        const only = writer.beginSeries(this.#book.symbolsOf(series));
        writer.sample(sample);
        writer.endSeries(only, { metadata: metadataOf(series.metric), createdMs: sample.startMs });
      },
      begin: series => {
        mark = writer.beginSeries(this.#book.symbolsOf(series));
        isFirst = true;
        createdMs = Number.NaN;
      },
      sample: sample => {
        writer.sample(sample);
        note(sample.startMs);
      },
      histogram: (histogram, at) => {
        writer.histogram(histogram, at);
        note(at.startMs);
      },
      end: (series, exemplars) => {
        for (const exemplar of exemplars) writer.exemplar(exemplar);
        writer.endSeries(mark, { metadata: metadataOf(series.metric), createdMs });
      },
    };
  }
}

/** Floats and native histograms of one series never stand in one message. */
function writeSeries(
  { order, columns }: PlannedRequest,
  into: {
    readonly sink: SeriesSink;
    readonly settings: EncodeSettings;
    readonly leftOut: Map<LeftOutReason, number>;
  },
): Amounts {
  const { sink, settings, leftOut } = into;
  const { series, timesMs, words, startsMs } = columns;
  const amounts = { samples: 0, histograms: 0, exemplars: 0 };
  // One object for all of them: nobody keeps it.
  const sample = { words, i: 0, timeMs: 0, startMs: Number.NaN };
  let open: SentSeries | undefined;
  let openIsHistogram = false;
  let carriesLast = false;
  const close = (): void => {
    if (open === undefined) return;
    const exemplars = carriesLast ? (columns.exemplars.get(open) ?? []) : [];
    amounts.exemplars += exemplars.length;
    sink.end(open, exemplars);
    open = undefined;
  };
  for (let n = 0; n < order.length; n++) {
    const i = order[n]!;
    const one = series[i]!;
    const histogram = columns.histograms.size === 0 ? undefined : columns.histograms.get(i);
    const reason = leftOutReason(timesMs[i]!, histogram, settings);
    if (reason !== undefined) {
      leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1);
      continue;
    }
    sample.i = i;
    sample.timeMs = timesMs[i]!;
    sample.startMs = startsMs === undefined ? Number.NaN : startsMs[i]!;
    const isHistogram = histogram !== undefined;
    const isOnly = open !== one && (n + 1 === order.length || series[order[n + 1]!] !== one);
    if (isOnly && !isHistogram && columns.exemplars.size === 0) {
      close();
      sink.single(one, sample);
      amounts.samples++;
      continue;
    }
    if (open !== one || openIsHistogram !== isHistogram) {
      close();
      sink.begin(one);
      open = one;
      openIsHistogram = isHistogram;
      carriesLast = false;
    }
    if (histogram === undefined) {
      sink.sample(sample);
      amounts.samples++;
    } else {
      sink.histogram(histogram, sample);
      amounts.histograms++;
    }
    if (i === one.last) carriesLast = true;
  }
  close();
  return amounts;
}

function leftOutReason(
  timeMs: number,
  histogram: NativeHistogram | undefined,
  { protocol, oldestMs, nativeHistograms }: EncodeSettings,
): LeftOutReason | undefined {
  if (timeMs < oldestMs) return 'too_old';
  if (histogram === undefined) return undefined;
  if (!nativeHistograms) return 'native_histograms_off';
  const isV1 = protocol === 'prometheus.WriteRequest';
  return isV1 && histogram.schema === CUSTOM_BOUNDS ? 'nhcb_in_rw1_not_supported' : undefined;
}
