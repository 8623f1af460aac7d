// Turns at the one thread. Everything long that runs in it (evaluations, reading, writing answers) is cut into slices by
// asking here between its pieces. In each turn of the event loop there is at most one slice for all of them together, so
// that a timer or a socket waits for one slice, however many do long work. What is urgent goes first.

import type { Clock } from './ports.ts';

/**
 * Of one turn of the event loop for all long work together. A scrape or an evaluation has some five waits, each of which may
 * meet a slice: together they stay within 50 ms. A turn without anything else to do costs some 20 µs.
 */
const SLICE_MS = 10;

/** Urgent work that never ends leaves one slice in so many to the rest: who looks for the cause needs an answer, too. */
const URGENT_IN_A_ROW_MAX = 4;

export type Lane = 'urgent' | 'usual';

/** Asked between the pieces of long work. */
export interface Pace {
  /** Cheap enough to ask for each row. */
  isDue(): boolean;
  /** Resolves when the work may go on, false if it shall end. */
  pause(): Promise<boolean>;
}

export interface LaneState {
  readonly urgent: number;
  readonly usual: number;
  readonly urgentInARow: number;
}

/** Whose turn it is; undefined where nobody waits. */
export function nextLane({ urgent, usual, urgentInARow }: LaneState): Lane | undefined {
  if (usual > 0 && (urgent === 0 || urgentInARow >= URGENT_IN_A_ROW_MAX)) return 'usual';
  return urgent > 0 ? 'urgent' : undefined;
}

export class Turns {
  readonly #clock: Clock;
  readonly #waiting: Readonly<Record<Lane, (() => void)[]>> = { urgent: [], usual: [] };
  #urgentInARow = 0;
  /** When the slice of this turn of the event loop began; undefined while nobody has worked in it. */
  #sinceMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the slice of this turn is used up. */
  isDue(): boolean {
    return this.#clock.monotonicMs() - this.#begun() >= SLICE_MS;
  }

  /** Before work, at its start and after each wait for something else: at once where the slice has time and nobody waits. */
  async take(lane: Lane): Promise<void> {
    const { urgent, usual } = this.#waiting;
    const isBehind = urgent.length > 0 || (lane === 'usual' && usual.length > 0);
    if (isBehind || this.isDue()) await this.next(lane);
  }

  /** Gives way; resolves in a later turn. */
  next(lane: Lane): Promise<void> {
    this.#begun();
    return new Promise(resolve => this.#waiting[lane].push(resolve));
  }

  #begun(): number {
    if (this.#sinceMs !== undefined) return this.#sinceMs;
    const nowMs = this.#clock.monotonicMs();
    this.#sinceMs = nowMs;
    this.#clock.after(0, () => this.#turn());
    return nowMs;
  }

  #turn(): void {
    this.#sinceMs = undefined;
    const { urgent, usual } = this.#waiting;
    const lane = nextLane({
      urgent: urgent.length,
      usual: usual.length,
      urgentInARow: this.#urgentInARow,
    });
    if (lane === undefined) return;
    this.#urgentInARow = lane === 'urgent' ? this.#urgentInARow + 1 : 0;
    this.#begun();
    this.#waiting[lane].shift()?.();
  }
}

/** Sorted before they are merged: the longest stretch without asking. */
const RUN = 256;

/** Sorts a copy, stable; undefined if the pace says that the work shall end. */
export async function sortInTurns<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  pace: Pace,
): Promise<T[] | undefined> {
  let runs: T[][] = [];
  for (let at = 0; at < items.length; at += RUN) {
    runs.push(items.slice(at, at + RUN).sort(compare));
    if (pace.isDue() && !(await pace.pause())) return undefined;
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      const [a, b] = [runs[i] ?? [], runs[i + 1]];
      const both = b === undefined ? a : await merge(a, b, { compare, pace });
      if (both === undefined) return undefined;
      merged.push(both);
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T>(
  a: readonly T[],
  b: readonly T[],
  { compare, pace }: { readonly compare: (a: T, b: T) => number; readonly pace: Pace },
): Promise<T[] | undefined> {
  const merged: T[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    merged.push(compare(a[i] as T, b[j] as T) <= 0 ? (a[i++] as T) : (b[j++] as T));
    if (merged.length % RUN === 0 && pace.isDue() && !(await pace.pause())) return undefined;
  }
  while (i < a.length) merged.push(a[i++] as T);
  while (j < b.length) merged.push(b[j++] as T);
  return merged;
}
