// Retention policies: series that are kept shorter than the store keeps its blocks. What is older than its policy says is deleted
// in the blocks, in steps, and a block that lies behind the policy as a whole is written anew without it. What that saved is
// counted by policy, and kept in a file for `storage stats`.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { assert, type Disk, type DiskError, type Log, ok, type Result } from '../base/index.ts';
import { type CompiledMatcher, compileMatchers, type RetentionPolicy } from '../model/index.ts';
import type { Block } from './block/block.ts';
import type { BlockSet } from './block/block-set.ts';
import type { BlockFailure } from './block/failure.ts';
import type { Stretch } from './block/tombstones.ts';
import { publishFile } from './folder.ts';

/** Samples go in steps of this part of the time that they are kept: few writes, and nothing stays much longer than it is to. */
const STEP_SHARE = 1 / 10;
const STEP_MS_MIN = 60_000;

export const SAVED_FILE = 'retention';
const SAVED_HEADER = 'watchkeeper-retention 1';

/** What a policy has taken out of blocks since it is there: about, where a part of a segment went. */
export interface SavedByPolicy {
  readonly match: string;
  readonly samples: number;
  readonly bytes: number;
}

/** The last time of a policy that is too old, as the newest sample of the store has it. */
export function cutoffOf(newestMs: number, keepMs: number): number {
  const stepMs = Math.max(STEP_MS_MIN, Math.floor(keepMs * STEP_SHARE));
  return Math.floor((newestMs - keepMs) / stepMs) * stepMs - 1;
}

export interface PoliciesOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly log: Log;
  readonly policies: readonly RetentionPolicy[];
}

interface Compiled extends RetentionPolicy {
  readonly compiled: readonly CompiledMatcher[];
}

export type PolicyFailure =
  | { readonly kind: 'disk'; readonly error: DiskError }
  | { readonly kind: 'block'; readonly block: Block; readonly failure: BlockFailure };

export class Policies {
  readonly #options: PoliciesOptions;
  readonly #policies: readonly Compiled[];
  /** Up to which time each policy has been carried out in a block. */
  readonly #done = new WeakMap<Block, number[]>();
  readonly #saved = new Map<string, { samples: number; bytes: number }>();
  #isRead = false;

  constructor(options: PoliciesOptions) {
    this.#options = options;
    this.#policies = options.policies.map(policy => {
      const compiled = compileMatchers(policy.matchers);
      assert(compiled.ok, 'the configuration has compiled the same matchers');
      return { ...policy, compiled: compiled.value };
    });
  }

  /** Deletes what is too old, durably; returns the blocks that are to be written anew for it. */
  async apply(blocks: BlockSet, newestMs: number): Promise<Result<readonly Block[], PolicyFailure>> {
    if (this.#policies.length === 0 || newestMs === -Infinity) return ok([]);
    await this.#readSaved();
    const cutoffs = this.#policies.map(({ keepMs }) => cutoffOf(newestMs, keepMs));
    const rewrite: Block[] = [];
    let hasSaved = false;
    const lease = blocks.acquire({ fromMs: -Infinity, toMs: Infinity });
    try {
      for (const block of lease.blocks) {
        const cut = await this.#applyTo(block, cutoffs);
        if (!cut.ok) return cut;
        hasSaved ||= cut.value.hasDeleted;
        if (cut.value.isWhole) rewrite.push(block);
      }
    } finally {
      lease.release();
      // Also where it went wrong half way: what is deleted is deleted.
      if (hasSaved) await this.#writeSaved();
    }
    return ok(rewrite);
  }

  async #applyTo(
    block: Block,
    cutoffs: readonly number[],
  ): Promise<Result<{ readonly hasDeleted: boolean; readonly isWhole: boolean }, PolicyFailure>> {
    const { minMs, maxMs } = block.meta;
    const done = this.#done.get(block) ?? cutoffs.map(() => -Infinity);
    const isDue = cutoffs.some((cutoff, i) => cutoff > done[i]! && minMs <= cutoff && done[i]! < maxMs);
    if (!isDue) return ok({ hasDeleted: false, isWhole: false });
    const taken = new Set<number>();
    let [hasDeleted, isWhole] = [false, false];
    for (const [i, policy] of this.#policies.entries()) {
      const numbers = await block.match(policy.compiled);
      if (!numbers.ok) return blockFailed(block, numbers.error);
      const own = [...numbers.value].filter(number => !taken.has(number));
      for (const number of own) taken.add(number);
      const cutoff = cutoffs[i]!;
      if (minMs > cutoff) continue;
      const left = own.filter(number => deletedUpTo(block.tombstones.get(number)) < Math.min(cutoff, maxMs));
      if (left.length > 0) {
        const deleted = await this.#delete(block, policy.match, { numbers: left, toMs: cutoff });
        if (!deleted.ok) return deleted;
        hasDeleted = true;
      }
      // Written anew once, when the policy has nothing left to take from it: the new one has none of these series.
      if (maxMs <= cutoff && own.length > 0) isWhole = true;
      done[i] = cutoff;
    }
    // Until that has come to pass it is due.
    if (!isWhole) this.#done.set(block, done);
    return ok({ hasDeleted, isWhole });
  }

  async #delete(
    block: Block,
    match: string,
    { numbers, toMs }: { readonly numbers: readonly number[]; readonly toMs: number },
  ): Promise<Result<void, PolicyFailure>> {
    let [samples, bytes] = [0, 0];
    for (const number of numbers) {
      const weight = await block.weigh(number, { fromMs: deletedUpTo(block.tombstones.get(number)), toMs });
      if (!weight.ok) return blockFailed(block, weight.error);
      samples += weight.value.samples;
      bytes += weight.value.bytes;
    }
    const deleted = await block.delete(numbers, { fromMs: -Infinity, toMs });
    if (!deleted.ok) return { ok: false, error: { kind: 'disk', error: deleted.error } };
    const saved = this.#saved.get(match) ?? { samples: 0, bytes: 0 };
    this.#saved.set(match, { samples: saved.samples + samples, bytes: saved.bytes + bytes });
    return ok(undefined);
  }

  async #readSaved(): Promise<void> {
    if (this.#isRead) return;
    this.#isRead = true;
    const { disk, folder } = this.#options;
    const read = await disk.readFile(`${folder}/${SAVED_FILE}`);
    for (const { match, ...saved } of read.ok ? decodeSaved(read.value) : []) this.#saved.set(match, saved);
  }

  /** Counts only: where that fails, the next time does. */
  async #writeSaved(): Promise<void> {
    const { disk, folder, log } = this.#options;
    const text = encodeSaved([...this.#saved].map(([match, saved]) => ({ match, ...saved })));
    const written = await publishFile(disk, { folder, path: `${folder}/${SAVED_FILE}` }, text);
    if (!written.ok)
      log.log('warn', 'what retention policies saved could not be noted', { cause: written.error.message });
  }
}

/** Up to which time everything is deleted. */
function deletedUpTo(stretches: readonly Stretch[] | undefined): number {
  return Math.max(
    -Infinity,
    ...(stretches ?? []).filter(({ fromMs }) => fromMs === -Infinity).map(({ toMs }) => toMs),
  );
}

function blockFailed(block: Block, failure: BlockFailure): Result<never, PolicyFailure> {
  return { ok: false, error: { kind: 'block', block, failure } };
}

function encodeSaved(saved: readonly SavedByPolicy[]): string {
  const lines = saved.map(
    ({ match, samples, bytes }) => `${Math.round(samples)} ${Math.round(bytes)} ${JSON.stringify(match)}`,
  );
  return [SAVED_HEADER, ...lines].map(line => `${line}\n`).join('');
}

/** None where the file makes no sense: they are counts, and begin anew. */
export function decodeSaved(bytes: Uint8Array): readonly SavedByPolicy[] {
  const [header, ...lines] = new TextDecoder().decode(bytes).split('\n');
  if (header !== SAVED_HEADER) return [];
  return lines.flatMap(line => {
    const match = /^(\d{1,15}) (\d{1,15}) ("(?:[^"\\]|\\.)*")$/.exec(line);
    if (match === null) return [];
    try {
      const text: unknown = JSON.parse(match[3] ?? '');
      return [{ match: String(text), samples: Number(match[1]), bytes: Number(match[2]) }];
    } catch {
      return [];
    }
  });
}
