// How well a name fits what somebody types: the two measures of Prometheus's search routes, from 0 to 1.

/** 0: does not fit. */
export type Score = (text: string) => number;

/** A text that begins with the pattern fits wholly, one that holds it somewhere nearly. */
const PREFIX = 1;
const SUBSTRING = 0.9;

/**
 * The pattern's characters in their order with gaps between them. Each unbroken run counts by the square of its length,
 * skipped characters cost their share of the text, those behind the last one half as much; the best place to begin counts.
 */
export function subsequenceScore(pattern: string): Score {
  const wanted = [...pattern];
  return text => {
    if (text.startsWith(pattern)) return PREFIX;
    if (pattern.length > text.length) return 0;
    const given = [...text];
    let best = -1;
    for (let start = 0; start + wanted.length <= given.length; start++) {
      if (given[start] !== wanted[0]) continue;
      const score = scoreFrom(wanted, given, start);
      // From further behind less of the text is left: it cannot fit there either.
      if (score === undefined) break;
      best = Math.max(best, score);
    }
    return best < 0 ? 0 : best / wanted.length ** 2;
  };
}

/** Takes each character where it comes next; undefined where one does not come any more. */
function scoreFrom(wanted: readonly string[], given: readonly string[], start: number): number | undefined {
  let score = 0;
  let run = 0;
  let skipped = start;
  let at = start;
  for (const [i, char] of wanted.entries()) {
    const found = i === 0 ? start : given.indexOf(char, at);
    if (found < 0) return undefined;
    if (found > at) {
      score += run * run;
      skipped += found - at;
      run = 0;
    }
    run++;
    at = found + 1;
  }
  return score + run * run - (skipped + (given.length - at) / 2) / given.length;
}

/**
 * The pattern as it stands, or where `threshold` is above 0 what Jaro and Winkler call similar: the share of characters that
 * both have at about the same place, raised where the first ones are the same.
 */
export function jaroWinklerScore(pattern: string, threshold: number): Score {
  return text => {
    if (text.startsWith(pattern)) return PREFIX;
    if (text.includes(pattern)) return SUBSTRING;
    return threshold > 0 ? similarity([...pattern], [...text]) : 0;
  };
}

/** Of the common beginning so many characters count, each for a tenth of what is missing. */
const WINKLER_CHARS = 4;
const WINKLER_SHARE = 0.1;

function similarity(a: readonly string[], b: readonly string[]): number {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  const reach = Math.max(Math.floor(long.length / 2) - 1, 0);
  const taken = new Array<boolean>(long.length).fill(false);
  const common: string[] = [];
  for (const [i, char] of short.entries()) {
    const end = Math.min(i + reach + 1, long.length);
    for (let j = Math.max(i - reach, 0); j < end; j++) {
      if (taken[j] === true || long[j] !== char) continue;
      taken[j] = true;
      common.push(char);
      break;
    }
  }
  if (common.length === 0) return 0;
  const across = long.filter((_, j) => taken[j]);
  const displaced = common.filter((char, k) => char !== across[k]).length;
  const { length } = common;
  const jaro = (length / short.length + length / long.length + (length - displaced / 2) / length) / 3;
  let same = 0;
  while (same < Math.min(WINKLER_CHARS, short.length) && short[same] === long[same]) same++;
  return jaro + same * WINKLER_SHARE * (1 - jaro);
}
