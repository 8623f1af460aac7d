// How the JavaScript heap grows, set for a program that runs for months: steady work, little that lives long.
//
// By default the young generation grows to 16 MB twice over as soon as much survives, and never gives it back; the old one lets
// garbage pile up until it is half as large again as what lives, or more. While 100 targets of 1,000 series are scraped each
// second that takes some 50 MB more than is needed and saves no time (docs/decisions/heap-growth.md). Young generations of less
// than 4 MB made queries over many series a fifth slower.

import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Both halves of the young generation: no less. A start brings it to twice that at most, and there it stays. */
const YOUNG_BYTES = 8 * 1024 * 1024;
/** Of what lives: how far the heap grows before garbage is looked for, and no less than so many bytes. */
const GROWING_PERCENT = 20;
const GROWING_BYTES = 20 * 1024 * 1024;
const GROWING_PERCENT_MAX = 200;
/** Of buffers: what a program has that is asked nothing is less. */
const BUFFERS_BYTES = 96 * 1024 * 1024;
/** What lives changes slowly. */
const LOOK_EVERY_MS = 10_000;
/** 8 KB, so that a few hundred fill the young generation. */
const FILLER_LENGTH = 1000;
const ROUND_FILLERS = 64;
const ROUNDS_MAX = 40;

/**
 * Once the start is done; looks again every few seconds. Before, the old generation grows as it likes: what is read then
 * stays, and to look for garbage in it again and again is in vain.
 */
export function keepHeapSmall(): void {
  keepYoungSmall();
  if (isSizedByOthers()) return;
  paceGrowth();
  setInterval(paceGrowth, LOOK_EVERY_MS).unref();
}

/** Whoever has sized the young generation by a flag of Node is left alone. */
function isSizedByOthers(): boolean {
  return [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some(text => text.includes('semi-space'));
}

/**
 * To be called at the start, and in each thread or once it has been started: a new heap of its own sets the growth of all of
 * them back.
 */
export function keepYoungSmall(): void {
  if (isSizedByOthers()) return;
  // It grows while much of it survives: this makes it so, up to where it is to stay.
  const fillers: number[][] = [];
  for (let round = 0; round < ROUNDS_MAX && youngBytes() < YOUNG_BYTES; round++)
    for (let i = 0; i < ROUND_FILLERS; i++) fillers.push(new Array<number>(FILLER_LENGTH).fill(i));
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** The memory of buffers counts as growth too: with 20 MB alive, a third is the bodies of twenty requests. */
function paceGrowth(): void {
  const { heapUsed, external } = process.memoryUsage();
  // The percentage is of the heap alone. Where queries have much beside it, one long answer would be all of it.
  const alive = external > BUFFERS_BYTES ? heapUsed : heapUsed + external;
  const percent = Math.max(GROWING_PERCENT, Math.ceil((100 * GROWING_BYTES) / alive));
  setFlagsFromString(`--heap-growing-percent=${Math.min(percent, GROWING_PERCENT_MAX)}`);
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(space => space.space_name === 'new_space')?.space_size ?? YOUNG_BYTES;
}
