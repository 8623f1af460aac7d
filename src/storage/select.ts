// Reading from the head and from the blocks as if they were one. Which blocks take part and what the head has are settled
// in one synchronous go, so that samples on their way from the head into a block are seen exactly once.

import { err, inTurns, ok, type Result, sortInTurns } from '../base/index.ts';
import {
  type CompiledMatcher,
  compareLabels,
  compileMatchers,
  type Labels,
  labelsKey,
  type Matcher,
  type ReadFailure,
  type ReadWork,
  type SelectHints,
  type SeriesColumns,
  type TimeRange,
} from '../model/index.ts';
import type { Block } from './block/block.ts';
import type { BlockSet, Lease } from './block/block-set.ts';
import type { BlockFailure } from './block/failure.ts';
import { joinSources } from './join.ts';
import { type ReadFrom, STOPPED, selectSeries, seriesInRange, UNMINDED } from './read.ts';

export interface ReadFromAll extends ReadFrom {
  readonly blocks: BlockSet;
}

export async function selectEverywhere(
  source: ReadFromAll,
  matchers: readonly Matcher[],
  asked: { readonly hints: SelectHints; readonly signal: AbortSignal | undefined },
): Promise<Result<readonly SeriesColumns[], ReadFailure>> {
  const { signal } = asked;
  const work = asked.hints.work && new WatchedWork(asked.hints.work);
  const hints = work === undefined ? asked.hints : { ...asked.hints, work };
  return everywhere(source, matchers, {
    window: hints,
    signal,
    work,
    isStopped: () => work?.isStopped === true,
    head: () => selectSeries(source, matchers, { hints, signal }),
    block: async (block, matched) => {
      const numbers = hints.between === undefined ? ok(matched) : await block.between(matched, hints.between);
      const { limit, memory } = hints;
      return numbers.ok ? block.read(numbers.value, hints, { limit, memory, work }) : numbers;
    },
    join: async (ofBlocks, ofHead) => {
      const sources = [...ofBlocks, ofHead];
      const joined = await joinSources(sources, { memory: hints.memory, pace: work ?? UNMINDED });
      if (joined === undefined) return undefined;
      const merged = ofBlocks.length > 0 ? joined.map(one => withLiveRef(source, one)) : joined;
      return hints.limit > 0 ? merged.slice(0, hints.limit) : merged;
    },
  });
}

export async function seriesEverywhere(
  source: ReadFromAll,
  matchers: readonly Matcher[],
  asked: { readonly range: TimeRange; readonly work: ReadWork | undefined },
): Promise<Result<readonly Labels[], ReadFailure>> {
  const { range } = asked;
  const work = asked.work && new WatchedWork(asked.work);
  const window = { fromMs: range.fromMs - 1, toMs: range.toMs };
  return everywhere(source, matchers, {
    window,
    signal: undefined,
    work,
    isStopped: () => work?.isStopped === true,
    head: () => seriesInRange(source, matchers, { range, work }),
    block: (block, numbers) => block.labelsOf(numbers, window, work),
    join: async (ofBlocks, ofHead) => {
      const pace = work ?? UNMINDED;
      if (ofBlocks.length === 0) return sortInTurns(ofHead, compareLabels, pace);
      const all = await inTurns(distinctSteps([...ofBlocks, ofHead]), pace);
      return all && sortInTurns(all, compareLabels, pace);
    },
  });
}

/** Label sets between two yields: some tens of microseconds. */
const LABELS_AT_ONCE = 64;

function* distinctSteps(lists: readonly (readonly Labels[])[]): Generator<void, readonly Labels[]> {
  const all = new Map<string, Labels>();
  let looked = 0;
  for (const list of lists) {
    for (const labels of list) {
      all.set(labelsKey(labels), labels);
      if (++looked % LABELS_AT_ONCE === 0) yield;
    }
  }
  return [...all.values()];
}

interface Asked<T> {
  readonly window: { readonly fromMs: number; readonly toMs: number };
  readonly signal: AbortSignal | undefined;
  /** Of whoever reads and minds it. */
  readonly work: ReadWork | undefined;
  /** Whether what blocks gave is not all, since whoever asked said so. */
  readonly isStopped: () => boolean;
  readonly head: () => Promise<Result<readonly T[] | 'again', ReadFailure>>;
  readonly block: (block: Block, numbers: Uint32Array) => Promise<Result<readonly T[], BlockFailure>>;
  /** Undefined where the work shall end. */
  readonly join: (
    ofBlocks: readonly (readonly T[])[],
    ofHead: readonly T[],
  ) => Promise<readonly T[] | undefined>;
}

async function everywhere<T>(
  source: ReadFromAll,
  matchers: readonly Matcher[],
  asked: Asked<T>,
): Promise<Result<readonly T[], ReadFailure>> {
  const compiled = compileMatchers(matchers);
  if (!compiled.ok) return err({ code: 'query-storage', message: `Cannot select by ${compiled.error}` });
  // Each round that begins again has found a chunk or a block that the next one does not meet.
  for (;;) {
    const { work } = asked;
    if (work !== undefined && !(await source.selections.prepare(matchers, work))) return STOPPED;
    // Asked in one go with what follows: of several that are here in the same turn only the first ones do it at once.
    if (work?.isDue() && !(await work.pause())) return STOPPED;
    const lease = source.blocks.acquire(asked.window);
    try {
      // Called before the first wait: both snapshots are of one moment.
      const head = asked.head();
      const [ofHead, ofBlocks] = await Promise.all([
        head,
        readBlocks(source, { lease, asked }, compiled.value),
      ]);
      if (!ofHead.ok) return ofHead;
      if (!ofBlocks.ok) return ofBlocks;
      if (ofHead.value === 'again' || ofBlocks.value === 'again') continue;
      const joined = await asked.join(ofBlocks.value, ofHead.value);
      return joined === undefined ? STOPPED : ok(joined);
    } finally {
      lease.release();
    }
  }
}

async function readBlocks<T>(
  source: ReadFromAll,
  from: { readonly lease: Lease; readonly asked: Asked<T> },
  matchers: readonly CompiledMatcher[],
): Promise<Result<readonly (readonly T[])[] | 'again', ReadFailure>> {
  const { lease, asked } = from;
  const found: (readonly T[])[] = [];
  for (const block of lease.blocks) {
    if (asked.signal?.aborted)
      return err({ code: 'query-cancelled', message: 'Cannot go on reading: the query was cancelled' });
    const numbers = await block.match(matchers, asked.work);
    const read = numbers.ok ? await asked.block(block, numbers.value) : numbers;
    if (!read.ok) {
      source.blocks.setAside(block, read.error);
      return ok('again');
    }
    if (asked.isStopped()) return STOPPED;
    if (read.value.length > 0) found.push(read.value);
  }
  return ok(found);
}

/** Remembers that it has said no. */
class WatchedWork implements ReadWork {
  readonly #work: ReadWork;
  isStopped = false;

  constructor(work: ReadWork) {
    this.#work = work;
  }

  isDue(): boolean {
    return this.#work.isDue();
  }

  async pause(): Promise<boolean> {
    return this.#told(await this.#work.pause());
  }

  reserve(bytes: number): boolean {
    return this.#told(this.#work.reserve(bytes));
  }

  #told(goOn: boolean): boolean {
    this.isStopped ||= !goOn;
    return goOn;
  }
}

/** A series that was dropped and came again has the ref under which it lives now. */
function withLiveRef(source: ReadFromAll, one: SeriesColumns): SeriesColumns {
  if (source.head.table.get(one.ref) !== undefined) return one;
  const live = source.head.table.find(one.labels);
  return live === undefined ? one : { ...one, ref: live.ref };
}
