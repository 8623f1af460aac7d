// "Did you mean …?": the closest known word by edit distance.

/** The known word within a third of the typed word's length (at least 2 edits for words of 4 and more), or undefined. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  const allowed = typed.length < 4 ? 1 : Math.max(2, Math.floor(typed.length / 3));
  let best: string | undefined;
  let bestDistance = allowed + 1;
  for (const word of known) {
    const distance = editDistance(typed.toLowerCase(), word.toLowerCase());
    if (distance < bestDistance) {
      best = word;
      bestDistance = distance;
    }
  }
  // Far from a slip of the fingers: a renamed key, which mostly kept its name and got a word more.
  if (bestDistance > SLIP_EDITS_MAX) return extended(typed, known) ?? best;
  return best;
}

/** Two edits are a slip; more may as well be another word. */
const SLIP_EDITS_MAX = 2;

/** "scrape_classic_histograms" is now "always_scrape_classic_histograms". */
function extended(typed: string, known: readonly string[]): string | undefined {
  if (!typed.includes('_')) return undefined;
  return known.find(word => word.endsWith(`_${typed}`) || word.startsWith(`${typed}_`));
}

/** Insertions, deletions, replacements and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row[j] = cost;
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
