// A stable number in [0, 1) for a label set: which series limit_ratio keeps.

import { fingerprint, type Labels } from '../../model/index.ts';

/** FNV's high bits mix poorly over short texts, so the fingerprint is scrambled once more (murmur3's finalizer). */
export function hashLabels(labels: Labels): number {
  const hex = fingerprint(labels);
  let h = Number.parseInt(hex.slice(0, 8), 16) ^ Number.parseInt(hex.slice(8), 16);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}
