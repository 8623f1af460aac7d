// Which series share sealed chunks: the columns of a chunk, kept once for all chunks in a row that have the same.

import { type Membership, type Series, withOneMore, without } from './head-data.ts';

export function newMembership(series: readonly Series[]): Membership {
  const membership: Membership = { series, chunks: [] };
  series.forEach((one, column) => {
    one.members = withOneMore(one.members, membership);
    one.columns = withOneMore(one.columns, column);
  });
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
