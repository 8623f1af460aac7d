// What a look through the store finds, with its place and what to do about it, and what a repair did.

import type { DiskError } from '../../base/index.ts';
import type { Damage } from '../damage.ts';

export interface Finding {
  readonly code:
    | Damage['code']
    | DiskError['code']
    | 'storage-mismatch'
    | 'storage-newer-format'
    | 'state-damaged'
    | 'state-newer'
    | 'state-io';
  /** A note says what is there; nothing is wrong with it. */
  readonly severity: 'error' | 'note';
  readonly file: string;
  readonly offset: number;
  readonly message: string;
  readonly remedy: string;
}

export interface Repair {
  readonly file: string;
  readonly done: string;
  /** What is gone for good; "" for nothing. */
  readonly lost: string;
}

/** Listed of one file: more would tell nothing new. */
const LISTED_PER_FILE_MAX = 10;

/** Findings in their order, of one file so many at most. */
export class Findings {
  readonly #listed: Finding[] = [];
  readonly #perFile = new Map<string, number>();

  add(finding: Omit<Finding, 'severity'>): void {
    this.#note({ severity: 'error', ...finding });
  }

  note(finding: Pick<Finding, 'code' | 'file' | 'message' | 'remedy'>): void {
    this.#note({ severity: 'note', offset: 0, ...finding });
  }

  /** Those of a part. */
  take(found: readonly Finding[]): void {
    this.#listed.push(...found);
  }

  /** Beyond those listed, files have one more each that says how many there are. */
  get all(): readonly Finding[] {
    const beyond = [...this.#perFile].flatMap(([file, count]): Finding[] => {
      const more = count - LISTED_PER_FILE_MAX;
      const last = this.#listed.findLast(finding => finding.file === file);
      return more > 0 && last !== undefined ? [{ ...last, message: `${more} more of the kind` }] : [];
    });
    return [...this.#listed, ...beyond];
  }

  get hasErrors(): boolean {
    return this.#listed.some(({ severity }) => severity === 'error');
  }

  #note(finding: Finding): void {
    const count = (this.#perFile.get(finding.file) ?? 0) + 1;
    this.#perFile.set(finding.file, count);
    if (count <= LISTED_PER_FILE_MAX) this.#listed.push(finding);
  }
}
