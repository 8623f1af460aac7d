// A group of commits on its way to the database: packed on the caller's side, each on its own.

import { err, ok, type Result } from '../base/index.ts';
import type { StateFailure } from '../model/index.ts';
import { type PackedCommit, packed } from './columns.ts';
import type { Commit } from './engine.ts';

export type CommitResult = Result<void, StateFailure>;

/** One that holds what has no JSON fails alone; the others go to `carryOut` together. */
export async function commitPacked(
  group: readonly Commit[],
  carryOut: (commits: readonly PackedCommit[]) => Promise<readonly CommitResult[]>,
): Promise<readonly CommitResult[]> {
  const results: CommitResult[] = [];
  const commits: PackedCommit[] = [];
  for (const commit of group) {
    try {
      commits.push(packed(commit));
      results.push(ok(undefined));
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      results.push(err({ code: 'state-io', message: `Cannot write a commit: ${cause}` }));
    }
  }
  const carried = await carryOut(commits);
  let next = 0;
  return results.map(result => (result.ok ? (carried[next++] ?? NO_ANSWER) : result));
}

const NO_ANSWER: CommitResult = err({ code: 'state-io', message: 'Cannot commit: no answer came' });
