// What the head has at one moment, held still for a reader that goes through very many series in turns. What lies in cohorts,
// side buffers and lists of chunks goes on changing meanwhile; a hold keeps what that moment had of it, without copying samples.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import type { TargetId } from '../model/index.ts';
import type { Head } from './head.ts';
import type { Cohort, Hold, Series, SideBuffer } from './head-data.ts';

/** A series and where its samples are. */
export type HeldSeries = Pick<
  Series,
  'labels' | 'ref' | 'members' | 'columns' | 'cohorts' | 'cohortColumns' | 'side'
>;

export interface Held extends Hold {
  /** Of series that were asked for. */
  readonly count: number;
  /** One of them, in their order. */
  at(index: number): HeldSeries;
  producer(index: number): TargetId | undefined;
  /** The rows that a cohort had; undefined where it had none. */
  cohort(live: Cohort): Cohort | undefined;
  /** To be called once nothing of it is read any more. */
  release(): void;
}

/** Some 0.1 µs a series and 1 µs a cohort, in one go. */
export function holdStill(head: Head, matched: readonly Series[]): Held {
  const cohorts = new Map<Cohort, Cohort>();
  for (const cohort of head.allCohorts()) if (cohort.rows > 0) cohorts.set(cohort, withItsRows(cohort));
  const places = placesOf(head, matched);
  const letGoSlabs = head.pool.hold();
  const held: Held = {
    later: new Set(),
    isStale: false,
    count: matched.length,
    at: places.at,
    producer: places.producer,
    cohort: live => cohorts.get(live),
    release: () => {
      head.holds.delete(held);
      letGoSlabs();
    },
  };
  head.holds.add(held);
  return held;
}

/** Lists by series, not an object for each: of several readers at once these would keep the garbage collector busy. */
function placesOf(head: Head, matched: readonly Series[]): Pick<Held, 'at' | 'producer'> {
  const { length } = matched;
  const members = new Array<Series['members']>(length);
  const columns = new Array<Series['columns']>(length);
  const cohorts = new Array<Series['cohorts']>(length);
  const cohortColumns = new Array<Series['cohortColumns']>(length);
  const producers = new Array<TargetId | undefined>(length);
  const sides = new Map<number, SideBuffer>();
  for (let i = 0; i < length; i++) {
    const series = matched[i]!;
    members[i] = series.members;
    columns[i] = series.columns;
    cohorts[i] = series.cohorts;
    cohortColumns[i] = series.cohortColumns;
    producers[i] = head.table.producer[series.slot];
    // Buffers only grow at their end, and leave what they outgrow as it is.
    if (series.side !== undefined) sides.set(i, { ...series.side });
  }
  return {
    at: index => ({
      labels: matched[index]!.labels,
      ref: matched[index]!.ref,
      members: members[index]!,
      columns: columns[index]!,
      cohorts: cohorts[index]!,
      cohortColumns: cohortColumns[index]!,
      side: sides.get(index),
    }),
    producer: index => producers[index],
  };
}

function withItsRows(cohort: Cohort): Cohort {
  const { rows, rowTimes, rowAt, rowShapes, rowSlabs, rowExtras } = cohort;
  return {
    ...cohort,
    rowTimes: rowTimes.slice(0, rows),
    rowAt: rowAt.slice(0, rows),
    rowShapes: rowShapes.slice(0, rows),
    rowSlabs: rowSlabs.slice(0, rows),
    rowExtras: rowExtras.slice(0, rows),
  };
}
