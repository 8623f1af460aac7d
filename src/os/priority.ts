// How much of a busy processor a thread gets beside the others of the process.

import { getPriority, setPriority } from 'node:os';

/** A quarter of a core beside one that is always busy: enough to keep up, and whoever waits for an answer hardly notices. */
const BACKGROUND_NICE = 5;

/**
 * To be called in a thread whose work may take its time. On Linux a priority is a thread's own; elsewhere the call would
 * concern the whole process, and nothing is done.
 */
export function giveWay(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Math.max(BACKGROUND_NICE, getPriority()));
  } catch {
    // Not allowed here: the work goes on as before.
  }
}
