// How many rows stay open: fewer of very many series, and spread, so that cohorts seal apart.

import { describe, expect, it } from 'vitest';
import { labelsFrom, targetId } from '../model/index.ts';
import { addShape, publishRow, stageRow } from './cohort.ts';
import { Head } from './head.ts';
import type { Cohort, Series } from './head-data.ts';
import { FIRST_ROWS_MIN, ROWS_MAX, ROWS_OF_MANY, SERIES_MANY } from './settings.ts';

const PRODUCER = targetId('t');

function fill(head: Head, fromRef: number, count: number): void {
  for (let i = 0; i < count; i++)
    head.table.restore(labelsFrom({ __name__: 'm', id: String(fromRef + i) }), fromRef + i);
}

function putRow(head: Head, cohort: Cohort, series: Series): void {
  const shape = cohort.shapes[0] ?? addShape(cohort, [series], head.takeLayoutId());
  stageRow(cohort, Float64Array.of(1), head.pool);
  publishRow(cohort, shape, {
    timeMs: 1000 * (cohort.rows + 1),
    segment: 1,
    nowMs: 0,
    extras: undefined,
  });
}

describe('rows of a chunk', () => {
  it('are up to 64, first chunks fewer and spread', () => {
    const head = new Head(0);
    fill(head, 1, 10);
    const first = Array.from({ length: 100 }, () => head.openCohort(PRODUCER, 0).rowsMax);
    expect(Math.min(...first)).toBe(FIRST_ROWS_MIN);
    expect(Math.max(...first)).toBe(ROWS_MAX);
    expect(new Set(first).size).toBe(ROWS_MAX - FIRST_ROWS_MIN + 1);
  });

  it('are up to 32 of very many series, of chunks that are open already too, and never fewer than there are', () => {
    const head = new Head(0);
    fill(head, 1, SERIES_MANY);
    const series = head.table.get(1);
    if (series === undefined) throw new Error('it was restored');
    const before = Array.from({ length: 57 }, () => head.openCohort(PRODUCER, 0));
    const full = before[0] as Cohort;
    full.rowsMax = ROWS_MAX;
    for (let row = 0; row < 50; row++) putRow(head, full, series);
    fill(head, SERIES_MANY + 1, 1);
    const after = head.openCohort(PRODUCER, 0);
    // The row that may be under way has its room.
    expect(full.rowsMax).toBe(51);
    expect(before.slice(1).every(({ rowsMax }) => rowsMax <= ROWS_OF_MANY)).toBe(true);
    expect(new Set(before.slice(1).map(({ rowsMax }) => rowsMax)).size).toBe(
      ROWS_OF_MANY - FIRST_ROWS_MIN + 1,
    );
    putRow(head, after, series);
    head.seal(full, 0);
    expect([full.rows, full.rowsMax]).toEqual([0, ROWS_OF_MANY]);
  });
});
