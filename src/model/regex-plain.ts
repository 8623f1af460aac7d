// Patterns that need no regular expression at all: texts, alternatives of texts, and texts with ".*" or ".+" in front,
// behind or between. Nearly all that people write; they cost no more than comparing or finding texts.

/** Texts with gaps between them: a gap of 0 is ".*", one of 1 is ".+". One text more than gaps. */
interface Glob {
  readonly texts: readonly string[];
  readonly gaps: readonly (0 | 1)[];
}

export interface PlainPattern {
  /** Whether one group stands around everything, so that it takes what the pattern takes. */
  readonly isCaptured: boolean;
  test(text: string): boolean;
}

/** Undefined for patterns of another shape. */
export function plainPattern(pattern: string): PlainPattern | undefined {
  const wrapped = /^\((\?:)?([^()]*)\)$/.exec(pattern);
  const globs = readGlobs(wrapped?.[2] ?? pattern);
  if (globs === undefined) return undefined;
  const isCaptured = wrapped !== null && wrapped[1] === undefined;
  const whole = new Set(globs.filter(({ gaps }) => gaps.length === 0).map(({ texts: [text = ''] }) => text));
  const open = globs.filter(({ gaps }) => gaps.length > 0);
  const test = (text: string): boolean => whole.has(text) || open.some(glob => matchesGlob(glob, text));
  return { isCaptured, test };
}

function readGlobs(pattern: string): readonly Glob[] | undefined {
  // Half a character does not stand for itself.
  if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(pattern))
    return undefined;
  const globs: Glob[] = [];
  let texts: string[] = [];
  let gaps: (0 | 1)[] = [];
  let text = '';
  for (let i = 0; i <= pattern.length; i++) {
    const c = pattern[i] ?? '|';
    if (c === '|') {
      globs.push({ texts: [...texts, text], gaps });
      [texts, gaps, text] = [[], [], ''];
    } else if (c === '.') {
      const times = pattern[++i];
      if (times !== '*' && times !== '+') return undefined;
      if (pattern[i + 1] === '?') i++;
      // Two gaps side by side would have to count characters.
      if (texts.length > 0 && text === '') return undefined;
      texts.push(text);
      gaps.push(times === '+' ? 1 : 0);
      text = '';
    } else if (c === '\\') {
      const next = pattern[++i] ?? '';
      if (!PUNCTUATION.includes(next) || next === '') return undefined;
      text += next;
    } else if ('^$*+?()[]{}'.includes(c)) return undefined;
    else text += c;
    // What is repeated is not a text.
    if (/[*+?{]/.test(pattern[i + 1] ?? '')) return undefined;
  }
  return globs;
}

const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

/** Takes each text at its first place: what fits behind a later one fits behind that too. */
function matchesGlob({ texts, gaps }: Glob, text: string): boolean {
  const [first = ''] = texts;
  const last = texts[texts.length - 1] ?? '';
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (let i = 1; i < texts.length - 1; i++) {
    const next = texts[i] as string;
    const found = text.indexOf(next, at + (gaps[i - 1] as number));
    if (found < 0) return false;
    at = found + next.length;
  }
  const gap = gaps[gaps.length - 1] ?? 0;
  return text.length - last.length >= at + gap && text.endsWith(last);
}
