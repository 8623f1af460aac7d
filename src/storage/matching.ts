// From matchers to series: matchers that need a value are answered from the index and intersected, smallest first;
// those that an absent label satisfies are tested on what is left.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { atOnce, err, ok, type Result } from '../base/index.ts';
import { type CompiledMatcher, compileMatcher, labelValue, type Matcher } from '../model/index.ts';
import type { Posting, Series } from './head-data.ts';
import { lowerBound } from './posting-list.ts';
import type { SeriesTable } from './series-table.ts';

/** Looked at between two yields: some tens of microseconds. */
const LOOKED_AT_ONCE = 512;

/** Series that satisfy all matchers, in no promised order. */
export function matchSeries(table: SeriesTable, matchers: readonly Matcher[]): Result<Series[], string> {
  return atOnce(matchingSteps(table, matchers));
}

/**
 * The same in steps, between which series may come and go: all that were there from the beginning to the end are found, of the
 * others some, and one may stand twice.
 */
export function* matchingSteps(
  table: SeriesTable,
  matchers: readonly Matcher[],
): Generator<void, Result<Series[], string>> {
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
    const found = yield* refsOf(values, matcher);
    refs = refs === undefined ? found : intersect(refs, found);
    if (refs.length === 0) return ok([]);
  }
  const candidates = refs === undefined ? yield* allOf(table) : yield* seriesOf(table, refs);
  return ok(rest.length === 0 ? candidates : yield* filterSeries(candidates, rest));
}

function rank(matcher: CompiledMatcher): number {
  return matcher.op === '=' ? 0 : 1;
}

function* refsOf(
  values: ReadonlyMap<string, Posting>,
  matcher: CompiledMatcher,
): Generator<void, ArrayLike<number>> {
  if (matcher.op === '=') return ownCopy(values.get(matcher.value)?.series.refs ?? []);
  const literals = matcher.op === '=~' ? literalAlternatives(matcher.value) : undefined;
  const lists: ArrayLike<number>[] = [];
  if (literals !== undefined) {
    for (const literal of literals) {
      const posting = values.get(literal);
      if (posting !== undefined) lists.push(posting.series.refs);
    }
  } else {
    let looked = 0;
    for (const posting of values.values()) {
      if (matcher.test(posting.value)) lists.push(posting.series.refs);
      if (++looked % LOOKED_AT_ONCE === 0) yield;
    }
  }
  return lists.length === 1 ? ownCopy(lists[0]!) : union(lists);
}

/** What series leave a list for closes up in place: whoever stands in the middle of it would miss some. */
function ownCopy(refs: ArrayLike<number>): Uint32Array {
  return refs instanceof Uint32Array ? refs.slice() : Uint32Array.from(refs);
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

function* allOf(table: SeriesTable): Generator<void, Series[]> {
  const found: Series[] = [];
  for (const page of table.pages()) {
    for (const series of page) if (series !== undefined) found.push(series);
    yield;
  }
  return found;
}

function* seriesOf(table: SeriesTable, refs: ArrayLike<number>): Generator<void, Series[]> {
  const found: Series[] = [];
  for (let i = 0; i < refs.length; i++) {
    const series = table.get(refs[i]!);
    if (series !== undefined) found.push(series);
    if ((i + 1) % LOOKED_AT_ONCE === 0) yield;
  }
  return found;
}

function* filterSeries(
  candidates: readonly Series[],
  matchers: readonly CompiledMatcher[],
): Generator<void, Series[]> {
  // Values repeat: each distinct one is tested once.
  const verdicts = matchers.map(() => new Map<string, boolean>());
  const found: Series[] = [];
  for (let i = 0; i < candidates.length; i++) {
    const series = candidates[i]!;
    const fits = matchers.every((matcher, at) => {
      const value = labelValue(series.labels, matcher.name);
      const known = verdicts[at]!.get(value);
      if (known !== undefined) return known;
      const verdict = matcher.test(value);
      verdicts[at]!.set(value, verdict);
      return verdict;
    });
    if (fits) found.push(series);
    if ((i + 1) % LOOKED_AT_ONCE === 0) yield;
  }
  return found;
}
