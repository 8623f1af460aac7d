// From the value of the root to the answer: names settled, rows without entries left out, a range in the order of labels, and
// each series in arrays of its own, so that it may be kept or sent to another thread without the whole slab.

import { type Pace, sortInTurns } from '../base/index.ts';
import {
  type AnswerSeries,
  compareLabels,
  type Labels,
  labelsKey,
  NO_LABELS,
  type QueryAnswer,
  type QueryTimes,
} from '../model/index.ts';
import type { RootValue } from './evaluate.ts';
import {
  type Histograms,
  histogramsWithin,
  type MatrixValue,
  pickRows,
  type Run,
  rowExists,
  SERIES_BYTES,
  type SeriesMeta,
  type Value,
  type VectorValue,
  withoutEmptyRows,
} from './operators/index.ts';

export async function answerOf(
  run: Run,
  { value, unfiltered }: RootValue,
  times: QueryTimes,
): Promise<Omit<QueryAnswer, 'cost'>> {
  const range = times.stepMs > 0;
  if (range && (value.kind === 'matrix' || value.kind === 'string')) {
    const word = value.kind === 'matrix' ? 'range vector' : 'string';
    run.failExecution(`invalid expression type "${word}" for range query, must be scalar or instant vector`);
  }
  return {
    times,
    ...(await answerValue(run, value, range)),
    ...(unfiltered !== undefined ? { unfiltered: await vectorSeries(run, unfiltered, range) } : {}),
    annotations: [...run.annotations.values()],
  };
}

/** Bytes of an answer that is kept. Histograms are those of the store, or small beside their columns. */
export function heldBy({ series, unfiltered = [] }: Omit<QueryAnswer, 'cost'>): number {
  let bytes = 0;
  for (const { values, present, timesMs } of [...series, ...unfiltered])
    bytes += SERIES_BYTES + values.byteLength + present.byteLength + (timesMs?.byteLength ?? 0);
  return bytes;
}

type Answered = Pick<QueryAnswer, 'resultType' | 'series'> & { readonly text?: string };

async function answerValue(run: Run, value: Value, range: boolean): Promise<Answered> {
  switch (value.kind) {
    case 'string':
      return { resultType: 'string', series: [], text: value.text };
    case 'scalar': {
      const labels = NO_LABELS;
      const present = new Uint8Array(value.values.length).fill(1);
      return { resultType: range ? 'matrix' : 'scalar', series: [{ labels, values: value.values, present }] };
    }
    case 'vector':
      return { resultType: range ? 'matrix' : 'vector', series: await vectorSeries(run, value, range) };
    case 'matrix':
      return { resultType: 'matrix', series: await matrixSeries(run, value) };
  }
}

async function vectorSeries(run: Run, vector: VectorValue, range: boolean): Promise<AnswerSeries[]> {
  const { rows, vector: settled, areOrdered } = await settledRows(run, vector);
  const { steps } = settled;
  const labelsOf = (row: number): Labels => (settled.series[row] as SeriesMeta).labels;
  const ordered =
    range && !areOrdered
      ? await sortInTurns(rows, (a, b) => compareLabels(labelsOf(a), labelsOf(b)), paceOf(run))
      : rows;
  const series: AnswerSeries[] = [];
  const all = new Uint8Array(steps).fill(1);
  for (const row of ordered ?? []) {
    const from = row * steps;
    const to = from + steps;
    run.reserve(SERIES_BYTES + steps * 9);
    const { labels, producer } = settled.series[row] as SeriesMeta;
    const values = settled.values.slice(from, to);
    const present = isFull(settled.present, from, to) ? all : settled.present.slice(from, to);
    const floats =
      typeof producer === 'string' ? { labels, producer, values, present } : { labels, values, present };
    series.push(
      settled.histograms === undefined
        ? floats
        : { ...floats, ...answerHistograms(settled.histograms, from, to) },
    );
    if (run.isDue()) await run.pause();
  }
  return series;
}

/** Whether nothing is missing: then the series has its presence in common with the others of which that holds. Nobody writes to it. */
function isFull(present: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (present[i] === 0) return false;
  return true;
}

interface SettledRows {
  readonly vector: VectorValue;
  /** Those with entries, of which no two have the same labels. */
  readonly rows: readonly number[];
  /** By their labels. */
  readonly areOrdered: boolean;
}

async function settledRows(run: Run, vector: VectorValue): Promise<SettledRows> {
  if (vector.series.some(meta => meta.dropName))
    return allRows(run, await run.settleNames(withoutEmptyRows(vector)));
  const areOrdered = run.isRising(vector.series);
  const rows: number[] = [];
  const keys = new Set<string>();
  for (let row = 0; row < vector.series.length; row++) {
    if (rowExists(vector, row)) {
      rows.push(row);
      if (!areOrdered) keys.add(labelsKey((vector.series[row] as SeriesMeta).labels));
    }
    if (run.isDue()) await run.pause();
  }
  if (areOrdered || keys.size === rows.length) return { vector, rows, areOrdered };
  return allRows(run, await run.unique(pickRows(vector, rows)));
}

function allRows(run: Run, vector: VectorValue): SettledRows {
  return { vector, rows: vector.series.map((_, row) => row), areOrdered: run.isRising(vector.series) };
}

/** A refusal goes through the sort as an exception: it holds nothing. */
function paceOf(run: Run): Pace {
  return {
    isDue: () => run.isDue(),
    pause: async () => {
      await run.pause();
      return true;
    },
  };
}

async function matrixSeries(run: Run, matrix: MatrixValue): Promise<AnswerSeries[]> {
  const series: AnswerSeries[] = [];
  for (const { meta, timesMs, values, histograms, first, end } of matrix.series) {
    const from = first[0] ?? 0;
    const to = end[0] ?? 0;
    if (to <= from) continue;
    run.reserve(SERIES_BYTES + (to - from) * 17);
    series.push({
      ...answerMeta(meta),
      values: values.slice(from, to),
      timesMs: timesMs.slice(from, to),
      present: new Uint8Array(to - from).fill(1),
      ...answerHistograms(histograms, from, to),
    });
    if (run.isDue()) await run.pause();
  }
  return series;
}

function answerHistograms(
  histograms: Histograms | undefined,
  from: number,
  to: number,
): Pick<AnswerSeries, 'histograms'> {
  const within = histograms && histogramsWithin(histograms, from, to);
  return within === undefined || within.size === 0 ? {} : { histograms: within };
}

function answerMeta({ labels, producer }: SeriesMeta): Pick<AnswerSeries, 'labels' | 'producer'> {
  return typeof producer === 'string' ? { labels, producer } : { labels };
}
