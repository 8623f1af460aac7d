// How far a long command has come, in one line.

import { shortNumber } from './numbers.ts';

const BAR_MAX = 40;
const BAR_MIN = 5;
/** Below it what is left to do cannot be told yet. */
const SHARE_MIN = 0.02;
const DIGITS = 3;

export function progressText(progress: {
  /** 0 … 1. */
  readonly share: number;
  readonly samples: number;
  readonly elapsedMs: number;
  readonly columns: number;
}): string {
  const { samples, elapsedMs, columns } = progress;
  const share = Math.min(1, Math.max(0, progress.share));
  const perS = samples / Math.max(0.001, elapsedMs / 1000);
  const left = share < SHARE_MIN ? '' : `  ${clockText((elapsedMs * (1 - share)) / share)} left`;
  const figures = `${String(Math.floor(share * 100)).padStart(3)} %  ${shortNumber(samples, DIGITS)} samples  ${shortNumber(perS, DIGITS)}/s${left}`;
  // A terminal that wraps would scroll with each look.
  const room = Math.min(BAR_MAX, columns - figures.length - 4);
  if (room < BAR_MIN) return figures.slice(0, Math.max(0, columns - 1));
  const done = Math.round(room * share);
  return `[${'#'.repeat(done)}${'.'.repeat(room - done)}] ${figures}`;
}

/** 1:05:09, or 0:09. */
function clockText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}
