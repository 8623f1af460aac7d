// Natural order: runs of digits compare as numbers, "4m5" before "4m600".

import { compareUtf8 } from '../../base/index.ts';

export function compareNatural(a: string, b: string): number {
  if (a === b) return 0;
  const left = a.match(CHUNKS) ?? [];
  const right = b.match(CHUNKS) ?? [];
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const order = compareChunks(left[i] as string, right[i] as string);
    if (order !== 0) return order;
  }
  return left.length - right.length || compareUtf8(a, b);
}

const CHUNKS = /\d+|\D+/g;

function compareChunks(a: string, b: string): number {
  if (/^\d/.test(a) && /^\d/.test(b)) {
    const x = a.replace(/^0+(?=\d)/, '');
    const y = b.replace(/^0+(?=\d)/, '');
    return x.length - y.length || compareUtf8(x, y);
  }
  return compareUtf8(a, b);
}
