// Reading for queries that come again: what a selector's series had when it was asked last is kept decoded, and only what came
// since is read. Everything else is read as always (select.ts).
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { inTurns, ok, type Result } from '../base/index.ts';
import type { Matcher, ReadFailure, ReadWork, SelectHints, SeriesColumns } from '../model/index.ts';
import type { Window } from './block/block.ts';
import { SERIES_BYTES } from './decode-in-turns.ts';
import type { Series } from './head-data.ts';
import type { KeptColumns } from './kept-columns.ts';
import { type KeptSet, keepingSteps, keptBytes, narrowed, type ReadState, Stamps } from './kept-set.ts';
import { readSeries, STOPPED, UNMINDED } from './read.ts';
import { type ReadFromAll, selectEverywhere } from './select.ts';
import { keyOf } from './selections.ts';
import { KEPT_SERIES_MAX, NEWEST_WITHIN_MS } from './settings.ts';

export interface ReadThroughKept extends ReadFromAll {
  readonly keptColumns: KeptColumns;
}

interface Asked {
  readonly hints: SelectHints;
  readonly signal: AbortSignal | undefined;
}

type Selected = Promise<Result<readonly SeriesColumns[], ReadFailure>>;

export async function selectKept(
  source: ReadThroughKept,
  matchers: readonly Matcher[],
  asked: Asked,
): Selected {
  const { hints } = asked;
  if (!isOfQuery(source, hints)) return selectEverywhere(source, matchers, asked);
  const { keptColumns: kept, selections } = source;
  const { work = UNMINDED } = hints;
  if (!(await selections.prepare(matchers, work))) return STOPPED;
  // Asked in one go with what follows.
  if (work.isDue() && !(await work.pause())) return STOPPED;
  const matched = selections.match(matchers);
  if (!matched.ok || matched.value.length > KEPT_SERIES_MAX) return selectEverywhere(source, matchers, asked);
  const key = keyOf(matchers);
  const set = kept.find(key, hints.fromMs);
  if (set !== undefined) {
    const answered = await fromKept(source, set, { ...asked, series: matched.value });
    if (answered !== undefined) return answered;
    kept.forget(key);
  }
  const gapMs = kept.asked(key);
  if (gapMs === Infinity) return selectEverywhere(source, matchers, asked);
  // What others ask for with the same selector is read as well: else each would have it read anew for the next.
  const window = {
    fromMs: Math.min(hints.fromMs, set?.wantedFromMs ?? Infinity),
    toMs: Math.max(hints.toMs, set?.toMs ?? -Infinity),
  };
  return readAndKeep(source, matchers, { ...asked, series: matched.value, key, gapMs, window });
}

/** Of an instant's newest samples the open rows are nearer; whoever has no memory lent reads once. */
function isOfQuery({ head }: ReadThroughKept, { memory, between, lastOnly, toMs }: SelectHints): boolean {
  if (memory === undefined || between !== undefined) return false;
  return lastOnly !== true || toMs < head.newestMs - NEWEST_WITHIN_MS;
}

function stateOf({ blocks, head }: ReadThroughKept): ReadState {
  const tombstones = blocks.blocks.map(block => block.tombstones);
  return { blocks: blocks.blocks, tombstones, drops: head.drops };
}

/** Whether what is stored is what it was then, but for what has come behind it. */
function isAsThen({ blocks, head }: ReadThroughKept, state: ReadState): boolean {
  return (
    state.blocks === blocks.blocks &&
    state.drops === head.drops &&
    state.blocks.every((block, i) => block.tombstones === state.tombstones[i])
  );
}

/** Of the time that a set has: more is not read behind it. */
const TAIL_SHARE_MAX = 1 / 2;

/** Undefined where it must be read anew. */
async function fromKept(
  source: ReadThroughKept,
  set: KeptSet,
  { hints, signal, series }: Asked & { readonly series: readonly Series[] },
): Promise<Result<readonly SeriesColumns[], ReadFailure> | undefined> {
  const { head, blocks } = source;
  const { work = UNMINDED } = hints;
  if (set.fromMs > hints.fromMs) return undefined;
  const isGood =
    isAsThen(source, set.state) &&
    set.stamps.isOf(series, head.table) &&
    // What was not looked at lies in the head only.
    (hints.toMs <= set.toMs || blocks.blocks.every(({ meta }) => meta.maxMs <= set.toMs));
  if (!isGood) return undefined;
  if (!work.reserve(series.length * SERIES_BYTES)) return STOPPED;
  const behind = set.stamps.behind(head.table, hints.toMs);
  if (behind.length > 0) {
    const appended = await appendNew(source, set, { hints, signal, behind });
    if (appended !== 'done') return appended === 'again' ? undefined : appended;
  } else set.toMs = Math.max(set.toMs, hints.toMs);
  return ok(set.within(hints, hints.limit));
}

/** Reads what these series have got since, and puts it behind the columns. */
async function appendNew(
  source: ReadThroughKept,
  set: KeptSet,
  { hints, signal, behind }: Asked & { readonly behind: readonly number[] },
): Promise<'done' | 'again' | Result<never, ReadFailure>> {
  const { stamps } = set;
  const wanted = behind.map(i => stamps.series[i]!);
  const seen = new Stamps(source.head.table, wanted, hints.toMs).seenMs;
  let fromMs = Infinity;
  for (const i of behind) fromMs = Math.min(fromMs, stamps.seenMs[i]!);
  // One that was silent for long, or has had nothing yet: to read half of it is as much as to read all.
  if (hints.toMs - fromMs > (hints.toMs - set.fromMs) * TAIL_SHARE_MAX) return 'again';
  const read = await readSeries(source, wanted, {
    hints: { ...hints, fromMs, lastOnly: false, limit: 0 },
    signal,
  });
  if (!read.ok) return read;
  // Another query may have found meanwhile that there is more than fits.
  if (read.value === 'again' || set.isBroken || !set.append(read.value)) return 'again';
  set.noteSeen(behind, seen, hints.toMs);
  return 'done';
}

async function readAndKeep(
  source: ReadThroughKept,
  matchers: readonly Matcher[],
  asked: Asked & {
    readonly series: readonly Series[];
    readonly key: string;
    readonly gapMs: number;
    /** Perhaps wider than what is asked for. */
    readonly window: Window;
  },
): Selected {
  const { hints, signal, series, key, gapMs, window } = asked;
  const { work = UNMINDED } = hints;
  // Before the read: what comes meanwhile is looked for again.
  const stamps = new Stamps(source.head.table, series, window.toMs);
  const state = stateOf(source);
  const read = await selectEverywhere(source, matchers, {
    hints: { ...hints, ...window, lastOnly: false, work: workOf(hints, window) },
    signal,
  });
  if (!read.ok || (hints.limit > 0 && read.value.length >= hints.limit)) return read;
  const isWider = window.fromMs < hints.fromMs || window.toMs > hints.toMs;
  const answer = isWider ? ok(narrowed(read.value, hints)) : read;
  const bytes = keptBytes(read.value);
  if (bytes === undefined || !source.keptColumns.makeRoom(bytes, gapMs)) return answer;
  const nowMs = source.keptColumns.nowMs();
  const set = await inTurns(keepingSteps(read.value, { stamps, state, window, nowMs }), work);
  if (set === undefined) return STOPPED;
  source.keptColumns.keep(key, set, gapMs);
  return answer;
}

/** Whoever asks accounts for what is asked for, as far as that can be told before. */
function workOf(hints: SelectHints, window: Window): ReadWork {
  const { work = UNMINDED } = hints;
  const share = (hints.toMs - hints.fromMs) / (window.toMs - window.fromMs);
  return {
    isDue: () => work.isDue(),
    pause: () => work.pause(),
    reserve: bytes => work.reserve(share < 1 ? Math.ceil(bytes * share) : bytes),
  };
}
