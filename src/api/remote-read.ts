// Prometheus's remote read: what another program asks for samples as they are stored, as samples in one message or as chunks
// in a stream of frames. Series are read a page at a time, so that an answer of any length takes little memory; only the
// compressed samples of the first kind are held, since its length stands before it.

import { CUT_OFF, err, ok, type Result, type ServerResponse } from '../base/index.ts';
import {
  beginTimeSeries,
  ChunkCutter,
  FrameWriter,
  type ReadQuery,
  type ReadRequest,
  type Rows,
  readReadRequest,
  resultHead,
  Snapper,
  snappyHead,
  Unsnapper,
  WireWriter,
  writeSamples,
} from '../exposition/index.ts';
import {
  type AdmittedRead,
  compileMatchers,
  type Labels,
  type LongRead,
  labelPairs,
  labelsFromPairs,
  labelValue,
  type Matcher,
  type Metrics,
  type QueryFailure,
  type ReadFailure,
  type SeriesColumns,
} from '../model/index.ts';
import { STOPPED, textOf } from './attended.ts';
import type { ApiDeps } from './deps.ts';
import { Gate } from './gate.ts';
import type { Asked } from './prometheus.ts';
import { plainQueryFailure } from './query-failure.ts';
import { binary, plain } from './respond.ts';

/** A few selectors, in its compressed form and in its plain one. */
const BODY_BYTES_MAX = 1024 * 1024;
const PLAIN_BYTES_MAX = 4 * 1024 * 1024;
/** What is read at once takes some 10 MB. */
const PAGE_SAMPLES = 500_000;
/** Until it is known how many samples series have: as if they had one so often, for so long at most. */
const SAMPLE_EVERY_MS = 15_000;
const HISTORY_MS_MAX = 31 * 86_400_000;
const FIRST_PAGE_SERIES_MAX = 32;
const PAGE_SERIES_MAX = 1000;
/** A page is at most so many times as long as the one before: series that follow may have more samples. */
const PAGE_GROWTH_MAX = 4;
/** Samples written between two looks at the clock. */
const STEP_SAMPLES = 4096;
/** Parts of a stream, and pieces that are compressed together, are about so long. */
const PART_BYTES = 64 * 1024;

export interface ReadLimits {
  /** Others wait. */
  readonly concurrentReads: number;
  /** Of each query of an answer in samples. */
  readonly samplesMax: number;
}

/** As Prometheus has them: --storage.remote.read-concurrent-limit and --storage.remote.read-sample-limit. */
export const READ_LIMITS: ReadLimits = { concurrentReads: 10, samplesMax: 50_000_000 };

/** What a read works with. */
interface Reading {
  readonly deps: Pick<ApiDeps, 'reader' | 'externalLabels'>;
  readonly work: AdmittedRead;
  readonly external: Labels;
}

type Answer = (deps: ApiDeps, asked: Asked) => Promise<ServerResponse>;

export function createRemoteRead(limits: ReadLimits, metrics: Metrics): Answer {
  const requests = metrics.counter('watchkeeper_remote_read_requests_total', 'Requests by status.');
  const reads = metrics.gauge(
    'watchkeeper_remote_reads',
    'Remote reads by state: being answered, or waiting for a place.',
  );
  const gate = new Gate(limits.concurrentReads, ({ taken, waiting }) => {
    reads.set(taken, { state: 'answered' });
    reads.set(waiting, { state: 'waiting' });
  });
  const unsnapper = new Unsnapper();
  const answer: Answer = async (deps, asked) => {
    const { request, signal } = asked;
    const body = await request.rawBody(BODY_BYTES_MAX);
    if (!body.ok)
      return plain(body.error.code === 'http-body-too-large' ? 413 : 400, `${body.error.message}\n`);
    const read = requestOf(body.value, unsnapper);
    if (!read.ok) return plain(400, `Cannot read the request of a remote read: ${read.error}\n`);
    const [kind] = read.value.accepted;
    if (kind === undefined)
      return plain(
        400,
        'Cannot answer in any of the accepted response types: SAMPLES or STREAMED_XOR_CHUNKS expected\n',
      );
    const leave = await gate.enter(signal);
    if (leave === undefined) return plain(499, 'Cannot go on reading: the client has left\n');
    const { queries } = read.value;
    const entered = await deps.query.enter(longRead(asked, queries), signal);
    if (!entered.ok) {
      leave();
      return plainQueryFailure(entered.error, OWN_STATUS);
    }
    const reading = { deps, work: entered.value, external: deps.externalLabels() };
    for (;;) {
      const answered =
        kind === 'samples'
          ? await samplesAnswer(reading, queries, limits.samplesMax)
          : await chunksAnswer(reading, queries);
      if (answered.status !== 200 && (await reading.work.again())) continue;
      return whileStreaming(answered, reading.work, leave);
    }
  };
  return async (deps, asked) => {
    const answered = await answer(deps, asked);
    requests.add(1, { status: String(answered.status) });
    return answered;
  };
}

/** All that is asked for, as one. */
function longRead({ request, principal }: Asked, queries: readonly ReadQuery[]): LongRead {
  const fromMs = Math.min(...queries.map(({ startMs }) => startMs));
  const toMs = Math.max(...queries.map(({ endMs }) => endMs));
  const text = textOf(
    request.path,
    queries.map(({ matchers }) => matchers),
  );
  return { text, range: { fromMs, toMs }, principal, client: request.remoteAddress };
}

/** Gives the places back when there is nothing more to send. */
function whileStreaming(response: ServerResponse, work: AdmittedRead, free: () => void): ServerResponse {
  const { body, status } = response;
  const failure: QueryFailure | undefined =
    status === 200 ? undefined : { code: 'query-execution', message: `answered ${status}` };
  let isOver = false;
  const leave = (): void => {
    if (isOver) return;
    isOver = true;
    work.end(work.stopped ?? failure)();
    free();
  };
  if (typeof body === 'string' || body instanceof Uint8Array) {
    leave();
    return response;
  }
  work.sends();
  // Who leaves before the first byte is asked for never begins the generator below.
  work.signal.addEventListener('abort', leave, { once: true });
  async function* until(parts: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array | string> {
    try {
      return yield* parts;
    } finally {
      leave();
    }
  }
  return { ...response, body: until(body) };
}

function requestOf(body: Uint8Array, unsnapper: Unsnapper): Result<ReadRequest, string> {
  const bytes = unsnapper.decode(body, PLAIN_BYTES_MAX);
  if (!bytes.ok) return bytes;
  const request = readReadRequest(bytes.value);
  if (!request.ok) return request;
  for (const { matchers } of request.value.queries) {
    const compiled = compileMatchers(matchers);
    if (!compiled.ok) return compiled;
  }
  return request;
}

// --- samples ----------------------------------------------------------------------------------------

async function samplesAnswer(
  reading: Reading,
  queries: readonly ReadQuery[],
  samplesMax: number,
): Promise<ServerResponse> {
  const snapper = new Snapper();
  const parts: Uint8Array[] = [];
  let plainBytes = 0;
  for (const query of queries) {
    const result = await resultOf(reading, query, { samplesMax, snapper });
    if (!result.ok) return refused(result.error, reading.work);
    const head = resultHead(result.value.plainBytes);
    plainBytes += head.length + result.value.plainBytes;
    parts.push(...snapper.pieces(head));
    for (const part of result.value.parts) parts.push(part);
  }
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
  const all = [snappyHead(plainBytes), ...parts];
  const length = all.reduce((sum, part) => sum + part.length, 0);
  return binary(headers, length < PART_BYTES ? Buffer.concat(all) : oneByOne(all));
}

async function* oneByOne(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

interface SnappedResult {
  readonly plainBytes: number;
  readonly parts: readonly Uint8Array[];
}

/** What stands within the result of a query, compressed. */
async function resultOf(
  reading: Reading,
  query: ReadQuery,
  how: { readonly samplesMax: number; readonly snapper: Snapper },
): Promise<Result<SnappedResult, ReadFailure>> {
  const writer = new WireWriter(4 * PART_BYTES);
  const parts: Uint8Array[] = [];
  let plainBytes = 0;
  let samples = 0;
  const snap = async (): Promise<boolean> => {
    plainBytes += writer.length;
    for (const piece of how.snapper.pieces(writer.bytes())) {
      parts.push(piece);
      if (!(await goesOn(reading, piece.length))) return false;
    }
    writer.clear();
    return true;
  };
  for await (const page of query.hints?.func === 'series'
    ? labelsOnly(reading, query)
    : pagesOf(reading, query)) {
    if (!page.ok) return page;
    for (const { labels, columns, rows } of page.value) {
      samples += rows.to - rows.from;
      if (samples > how.samplesMax)
        return err({
          code: 'query-limit',
          message: `exceeded sample limit (${how.samplesMax}): ask for fewer series or a shorter time, or for STREAMED_XOR_CHUNKS`,
        });
      const series = beginTimeSeries(writer, labels);
      for (let from = rows.from; columns !== undefined && from < rows.to; from += STEP_SAMPLES) {
        writeSamples(writer, columns, { from, to: Math.min(from + STEP_SAMPLES, rows.to) });
        if (!(await goesOn(reading))) return STOPPED;
      }
      writer.end(series);
      if (writer.length >= PART_BYTES && !(await snap())) return STOPPED;
    }
  }
  return (await snap()) ? ok({ plainBytes, parts }) : STOPPED;
}

// --- chunks -----------------------------------------------------------------------------------------

async function chunksAnswer(reading: Reading, queries: readonly ReadQuery[]): Promise<ServerResponse> {
  const failures: ReadFailure[] = [];
  const parts = gathered(framesOf(reading, queries, failures));
  // What fails before the first byte can still be said.
  const first = await parts.next();
  const [failure] = failures;
  if (first.done === true && failure !== undefined) return refused(failure, reading.work);
  async function* all(): AsyncGenerator<Uint8Array> {
    if (first.done === true) return first.value;
    yield first.value;
    return yield* parts;
  }
  const type = 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse';
  return binary({ 'content-type': type }, all());
}

async function* framesOf(
  reading: Reading,
  queries: readonly ReadQuery[],
  failures: ReadFailure[],
): AsyncGenerator<Uint8Array, typeof CUT_OFF | undefined> {
  const cutter = new ChunkCutter();
  const frames = new FrameWriter();
  for (const [index, query] of queries.entries()) {
    for await (const page of pagesOf(reading, query)) {
      if (!page.ok) {
        failures.push(page.error);
        return CUT_OFF;
      }
      for (const { labels, columns, rows } of page.value) {
        frames.begin(labels, index);
        for (const chunk of cutter.chunks(columns, rows)) {
          const full = frames.add(chunk);
          if (full !== undefined) yield full;
          if (await goesOn(reading)) continue;
          failures.push(STOPPED.error);
          return CUT_OFF;
        }
        const last = frames.end();
        if (last !== undefined) yield last;
      }
    }
  }
  return undefined;
}

/** Small frames together: a write each would cost more than they do. */
async function* gathered<T>(frames: AsyncGenerator<Uint8Array, T>): AsyncGenerator<Uint8Array, T> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for (;;) {
    const next = await frames.next();
    if (next.done !== true) {
      held.push(next.value);
      heldBytes += next.value.length;
    }
    if (held.length > 0 && (heldBytes >= PART_BYTES || next.done === true)) {
      yield Buffer.concat(held);
      held = [];
      heldBytes = 0;
    }
    if (next.done === true) return next.value;
  }
}

// --- reading ----------------------------------------------------------------------------------------

interface Found {
  /** With the external labels. */
  readonly labels: Labels;
  readonly columns: SeriesColumns;
  readonly rows: Rows;
}

async function* pagesOf(
  reading: Reading,
  query: ReadQuery,
): AsyncGenerator<Result<readonly Found[], ReadFailure>> {
  const { reader } = reading.deps;
  const matchers = storedMatchers(query.matchers, reading.external);
  const { startMs, endMs } = windowOf(query);
  const { work } = reading;
  const listed = await reader.series(matchers, { fromMs: startMs, toMs: endMs, work });
  if (!listed.ok) {
    yield listed;
    return;
  }
  const all = listed.value;
  const window = { fromMs: startMs - 1, toMs: endMs };
  const hints = { ...window, stepMs: 0, rangeMs: 0, func: '', limit: 0, work };
  let pageSeries = firstPageSeries(endMs - startMs);
  for (let at = 0; at < all.length; ) {
    const to = Math.min(at + pageSeries, all.length);
    const between = { first: all[at] as Labels, last: all[to - 1] as Labels };
    const heldBytes = work.held;
    const found = await reader.select(matchers, { ...hints, between }, work.signal);
    if (!found.ok) {
      yield found;
      return;
    }
    const page = found.value.map(columns => ({
      labels: withExternal(columns.labels, reading.external),
      columns,
      rows: rowsWithin(columns, { startMs, endMs }),
    }));
    work.count(
      page.length,
      page.reduce((sum, { rows }) => sum + rows.to - rows.from, 0),
    );
    const pageBytes = work.held - heldBytes;
    yield ok(page.filter(({ rows }) => rows.from < rows.to));
    // Nothing of the page is held any more, only what was made of it.
    work.keep(work.held - pageBytes);
    if (!(await goesOn(reading))) {
      yield STOPPED;
      return;
    }
    at = to;
    const samplesMost = page.reduce((most, { rows }) => Math.max(most, rows.to - rows.from), 1);
    const seriesMax = Math.min(PAGE_SERIES_MAX, pageSeries * PAGE_GROWTH_MAX);
    pageSeries = Math.max(1, Math.min(seriesMax, Math.floor(PAGE_SAMPLES / samplesMost)));
  }
}

function firstPageSeries(windowMs: number): number {
  const samples = Math.max(1, Math.min(windowMs, HISTORY_MS_MAX) / SAMPLE_EVERY_MS);
  return Math.max(1, Math.min(FIRST_PAGE_SERIES_MAX, Math.floor(PAGE_SAMPLES / samples)));
}

/** What an asker wants who lists series: none of their samples. */
async function* labelsOnly(
  { deps, external, work }: Reading,
  query: ReadQuery,
): AsyncGenerator<
  Result<
    readonly { readonly labels: Labels; readonly columns: undefined; readonly rows: Rows }[],
    ReadFailure
  >
> {
  const { startMs, endMs } = windowOf(query);
  const matchers = storedMatchers(query.matchers, external);
  const listed = await deps.reader.series(matchers, { fromMs: startMs, toMs: endMs, work });
  const rows = { from: 0, to: 0 };
  yield listed.ok
    ? ok(listed.value.map(labels => ({ labels: withExternal(labels, external), columns: undefined, rows })))
    : listed;
}

/** The query's own time; hints say which part of it is of use. */
function windowOf({ startMs, endMs, hints }: ReadQuery): {
  readonly startMs: number;
  readonly endMs: number;
} {
  if (hints === undefined || hints.endMs < startMs || hints.startMs > endMs || hints.endMs < hints.startMs)
    return { startMs, endMs };
  return { startMs: Math.max(startMs, hints.startMs), endMs: Math.min(endMs, hints.endMs) };
}

/** What asks for an external label by its value means all series that do not say another of their own. */
function storedMatchers(matchers: readonly Matcher[], external: Labels): readonly Matcher[] {
  return matchers.map(matcher => {
    const { name, op, value } = matcher;
    return op === '=' && value === labelValue(external, name) ? { name, op, value: '' } : matcher;
  });
}

/** What a series itself says comes first. */
function withExternal(labels: Labels, external: Labels): Labels {
  return external.length === 0 ? labels : labelsFromPairs([...labelPairs(external), ...labelPairs(labels)]);
}

function rowsWithin(
  { timesMs, from, to }: SeriesColumns,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): Rows {
  const rows = { from, to };
  while (rows.from < to && (timesMs[rows.from] as number) < startMs) rows.from++;
  while (rows.to > rows.from && (timesMs[rows.to - 1] as number) > endMs) rows.to--;
  return rows;
}

/** What stopped the work goes before what the reader says of it. */
function refused(failure: ReadFailure, { stopped }: AdmittedRead): ServerResponse {
  return plainQueryFailure(stopped ?? failure, OWN_STATUS);
}

/** Prometheus's remote read has no 422. */
const OWN_STATUS = { 'query-execution': 500, 'query-limit': 400 } as const;

/** After a piece of work, of which so many bytes are kept: gives way, and says whether to go on. */
async function goesOn({ work }: Reading, keptBytes = 0): Promise<boolean> {
  return work.reserve(keptBytes) && work.pause();
}
