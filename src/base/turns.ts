// Turns at the one thread. Everything long that runs in it (evaluations, reading, writing answers) is cut into slices by
// asking here between its pieces. In each turn of the event loop there is at most one slice for all of them together, so
// that a timer or a socket waits for one slice, however many do long work. What is urgent goes first.

import type { Clock } from './ports.ts';

/**
 * Of one turn of the event loop for all long work together. A scrape or an evaluation has some five waits, each of which may
 * meet a slice: together they stay within 50 ms. A turn without anything else to do costs some 20 µs.
 */
const SLICE_MS = 10;

/** Work before others that never ends leaves one slice in so many to the rest: who looks for its cause needs an answer, too. */
const URGENT_IN_A_ROW_MAX = 4;
const SHORT_IN_A_ROW_MAX = 8;

/**
 * Work that has had so many slices is long, and then done one after the other: all of it at once would take as long, and hold
 * the memory of all of it meanwhile.
 */
const SHORT_SLICES = 3;

/** Rules before people, and of what people ask the short before the long. */
export type Lane = 'urgent' | 'usual';

/** Asked between the pieces of long work. */
export interface Pace {
  /** Cheap enough to ask for each row. */
  isDue(): boolean;
  /** Resolves when the work may go on, false if it shall end. */
  pause(): Promise<boolean>;
}

/** Those who wait, and how many slices in a row went to others although somebody further behind waited. */
export interface LaneState {
  readonly urgent: number;
  readonly usual: number;
  readonly long: number;
  readonly urgentInARow: number;
  readonly shortInARow: number;
}

/** Whose turn it is; undefined where nobody waits. */
export function nextLane(state: LaneState): Lane | 'long' | undefined {
  const { urgent, usual, long } = state;
  if (long > 0 && (urgent + usual === 0 || state.shortInARow >= SHORT_IN_A_ROW_MAX)) return 'long';
  if (usual > 0 && (urgent === 0 || state.urgentInARow >= URGENT_IN_A_ROW_MAX)) return 'usual';
  return urgent > 0 ? 'urgent' : undefined;
}

/** One piece of long work, from its start to its end. */
export interface Work {
  readonly lane: Lane;
  /** In the order of their starts. */
  readonly order: number;
  slices: number;
}

interface Waiting {
  readonly work: Work;
  readonly go: () => void;
}

export class Turns {
  readonly #clock: Clock;
  readonly #waiting: Readonly<Record<Lane | 'long', Waiting[]>> = { urgent: [], usual: [], long: [] };
  #urgentInARow = 0;
  #shortInARow = 0;
  #started = 0;
  /** When the slice of this turn of the event loop began; undefined while nobody has worked in it. */
  #sinceMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(lane: Lane): Work {
    return { lane, order: this.#started++, slices: 0 };
  }

  /** Whether the slice of this turn is used up. */
  isDue(): boolean {
    return this.#clock.monotonicMs() - this.#begun() >= SLICE_MS;
  }

  /** Before work, at its start and after each wait for something else: at once where the slice has time and nobody waits. */
  async take(work: Work): Promise<void> {
    const { urgent, usual, long } = this.#waiting;
    const ahead = urgent.length + (work.lane === 'urgent' ? 0 : usual.length + long.length);
    if (ahead > 0 || this.isDue()) await this.#wait(work);
  }

  /** Between pieces of work, whatever was waited for meanwhile. */
  between(work: Work): Promise<void> {
    return this.isDue() ? this.next(work) : this.take(work);
  }

  /** Gives way; resolves in a later turn. */
  next(work: Work): Promise<void> {
    work.slices++;
    return this.#wait(work);
  }

  #wait(work: Work): Promise<void> {
    const isLong = work.lane === 'usual' && work.slices >= SHORT_SLICES;
    const waiting = this.#waiting[isLong ? 'long' : work.lane];
    const at = isLong ? waiting.findIndex(other => other.work.order > work.order) : -1;
    const gone = new Promise<void>(go => {
      waiting.splice(at < 0 ? waiting.length : at, 0, { work, go });
    });
    this.#begun();
    return gone;
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
    const { urgent, usual, long } = this.#waiting;
    const lane = nextLane({
      urgent: urgent.length,
      usual: usual.length,
      long: long.length,
      urgentInARow: this.#urgentInARow,
      shortInARow: this.#shortInARow,
    });
    if (lane === undefined) return;
    this.#urgentInARow = lane === 'urgent' && usual.length > 0 ? this.#urgentInARow + 1 : 0;
    this.#shortInARow = lane !== 'long' && long.length > 0 ? this.#shortInARow + 1 : 0;
    this.#begun();
    this.#waiting[lane].shift()?.go();
  }
}

/** Work that yields between its pieces, one after the other without giving way. */
export function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same giving way; undefined if the pace says that the work shall end. */
export async function inTurns<T>(steps: Generator<void, T>, pace: Pace): Promise<T | undefined> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (pace.isDue() && !(await pace.pause())) return undefined;
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
  // What is in order already is often very long.
  if (compare(a[a.length - 1] as T, b[0] as T) <= 0) return a.concat(b);
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
