// Which series share sealed chunks: the columns of a chunk, kept once for all chunks in a row that have the same.

import { type Membership, type Series, withOneMore, without } from './head-data.ts';
import type { SingleLists } from './single-lists.ts';

/** `columns[i]` of the chunks is series[i]; undefined where a column belongs to nobody known. */
export function newMembership(columns: readonly (Series | undefined)[], singles: SingleLists): Membership {
  const alone: Membership[] = [];
  const series: Series[] = [];
  const membership: Membership = { series, chunks: [], alone };
  alone.push(membership);
  for (let column = 0; column < columns.length; column++) {
    const one = columns[column];
    if (one === undefined) continue;
    series.push(one);
    one.members = withOneMore(one.members, alone);
    one.columns = withOneMore(one.columns, singles.of(column));
  }
  return membership;
}

export function sameMembers(membership: Membership | undefined, series: readonly Series[]): boolean {
  if (membership === undefined || membership.series.length !== series.length) return false;
  for (let i = 0; i < series.length; i++) if (membership.series[i] !== series[i]) return false;
  return true;
}

/** Forgets a membership without chunks. */
export function dropMembership(membership: Membership): void {
  for (const series of membership.series) {
    const at = series.members.indexOf(membership);
    if (at < 0) continue;
    series.members = without(series.members, at);
    series.columns = without(series.columns, at);
  }
}
