// From matchers to series: matchers that need a value are answered from the index and intersected, smallest first;
// those that an absent label satisfies are tested on what is left.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { err, ok, type Result } from '../base/index.ts';
import { type CompiledMatcher, compileMatcher, labelValue, type Matcher } from '../model/index.ts';
import type { Posting, Series } from './head-data.ts';
import { lowerBound } from './posting-list.ts';
import type { SeriesTable } from './series-table.ts';

/** Series that satisfy all matchers, in no promised order. */
export function matchSeries(table: SeriesTable, matchers: readonly Matcher[]): Result<Series[], string> {
  const needing: CompiledMatcher[] = [];
  const rest: CompiledMatcher[] = [];
  for (const matcher of matchers) {
    const compiled = compileMatcher(matcher);
    if (!compiled.ok)
      return err(`Cannot select by ${matcher.name}${matcher.op}"${matcher.value}": ${compiled.error}`);
    (compiled.value.test('') ? rest : needing).push(compiled.value);
  }
  // Equality first: it gives the shortest lists, after which a regular expression may be cheaper series by series.
  needing.sort((a, b) => rank(a) - rank(b));
  let refs: ArrayLike<number> | undefined;
  for (const matcher of needing) {
    const values = table.index.get(matcher.name);
    if (values === undefined) return ok([]);
    if (refs !== undefined && matcher.op !== '=' && refs.length < values.size) {
      rest.push(matcher);
      continue;
    }
    const found = refsOf(values, matcher);
    refs = refs === undefined ? found : intersect(refs, found);
    if (refs.length === 0) return ok([]);
  }
  const candidates = refs === undefined ? [...table.all()] : seriesOf(table, refs);
  return ok(rest.length === 0 ? candidates : filterSeries(candidates, rest));
}

function rank(matcher: CompiledMatcher): number {
  return matcher.op === '=' ? 0 : 1;
}

function refsOf(values: ReadonlyMap<string, Posting>, matcher: CompiledMatcher): ArrayLike<number> {
  if (matcher.op === '=') return values.get(matcher.value)?.series.refs ?? [];
  const literals = matcher.op === '=~' ? literalAlternatives(matcher.value) : undefined;
  const lists: ArrayLike<number>[] = [];
  if (literals !== undefined) {
    for (const literal of literals) {
      const posting = values.get(literal);
      if (posting !== undefined) lists.push(posting.series.refs);
    }
  } else {
    for (const posting of values.values()) if (matcher.test(posting.value)) lists.push(posting.series.refs);
  }
  return union(lists);
}

/** "a|b|c" without any other syntax: look-ups instead of tests. */
export function literalAlternatives(pattern: string): ReadonlySet<string> | undefined {
  return /^[A-Za-z0-9_:/ -]+(?:\|[A-Za-z0-9_:/ -]+)*$/.test(pattern)
    ? new Set(pattern.split('|'))
    : undefined;
}

export function union(lists: readonly ArrayLike<number>[]): ArrayLike<number> {
  if (lists.length === 1) return lists[0]!;
  let length = 0;
  for (const list of lists) length += list.length;
  const all = new Uint32Array(length);
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  // A series has one value of a name, so the lists are disjoint.
  return all.sort();
}

/** Of two rising lists. A much shorter one looks its entries up by halving. */
export function intersect(a: ArrayLike<number>, b: ArrayLike<number>): ArrayLike<number> {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  const both = new Uint32Array(short.length);
  let count = 0;
  let at = 0;
  const halving = short.length * 16 < long.length;
  for (let i = 0; i < short.length; i++) {
    const ref = short[i]!;
    if (halving) at = lowerBound(long, ref, at);
    else while (at < long.length && long[at]! < ref) at++;
    if (at === long.length) break;
    if (long[at] === ref) both[count++] = ref;
  }
  return both.subarray(0, count);
}

function seriesOf(table: SeriesTable, refs: ArrayLike<number>): Series[] {
  const found: Series[] = [];
  for (let i = 0; i < refs.length; i++) {
    const series = table.get(refs[i]!);
    if (series !== undefined) found.push(series);
  }
  return found;
}

function filterSeries(candidates: readonly Series[], matchers: readonly CompiledMatcher[]): Series[] {
  // Values repeat: each distinct one is tested once.
  const verdicts = matchers.map(() => new Map<string, boolean>());
  return candidates.filter(series =>
    matchers.every((matcher, i) => {
      const value = labelValue(series.labels, matcher.name);
      const known = verdicts[i]!.get(value);
      if (known !== undefined) return known;
      const verdict = matcher.test(value);
      verdicts[i]!.set(value, verdict);
      return verdict;
    }),
  );
}
