// How much work a backtracking engine may have with a pattern: the proof that lets regex.ts take the fast RegExp.
// It reads a subset on which RE2 and JavaScript agree: literals, escapes of punctuation, \d \w \D \W, classes, groups,
// alternation, "?" on anything, "*" and "+" on single characters. For the rest there is no bound, and no RegExp.

/** What RE2 needs for a character is of this order; a bound below it makes the RegExp no worse on any text. */
export const STEPS_PER_CHAR = 128;
export const STEPS_FREE = 16 * STEPS_PER_CHAR;
/** Lengths of text that are tried, longest first: work that grows with the square is fine for short texts. */
const CHARS = [2 ** 20, 256, 128, 64, 32];
/** Patterns nested deeper are left to RE2: reading them recurses. */
const DEPTH_MAX = 50;

/** A set of characters: ASCII one bit each, and one bit for all others together. */
type CharSet = bigint;

const OTHERS: CharSet = 1n << 128n;
const ALL: CharSet = (1n << 129n) - 1n;
const DIGITS = range(48, 57);
const WORD = DIGITS | range(65, 90) | range(97, 122) | bit(95);

type Piece =
  | { readonly kind: 'chars'; readonly set: CharSet; readonly times: '1' | '?' | '*' | '+' }
  | { readonly kind: 'group'; readonly options: readonly (readonly Piece[])[] };

/** The longest text that a RegExp of the pattern matches in linear time whatever it holds; 0 when there is no proof. */
export function linearCharsMax(pattern: string): number {
  const options = readPattern(pattern);
  if (options === undefined) return 0;
  // The bound is a polynomial with positive coefficients, thus convex: fine at 0 and at n is fine between them.
  const isFine = (chars: number): boolean => stepsMax(options, chars) <= STEPS_PER_CHAR * chars + STEPS_FREE;
  return isFine(0) ? (CHARS.find(isFine) ?? 0) : 0;
}

// --- the bound ------------------------------------------------------------------------------------

/** What it takes to match from some place of the pattern to its end. */
interface Rest {
  readonly steps: number;
  /** Steps to find that it cannot begin with the character at hand, where that is not in `first`. */
  readonly reject: number;
  readonly first: CharSet;
}

/** The end of the pattern is the end of the text: one look. */
const END: Rest = { steps: 1, reject: 1, first: 0n };

function stepsMax(options: readonly (readonly Piece[])[], chars: number): number {
  return alternatives(options, END, chars).steps;
}

function sequence(pieces: readonly Piece[], end: Rest, chars: number): Rest {
  let rest = end;
  for (let i = pieces.length - 1; i >= 0; i--) {
    const piece = pieces[i] as Piece;
    rest = piece.kind === 'chars' ? repeated(piece, rest, chars) : alternatives(piece.options, rest, chars);
  }
  return rest;
}

function repeated({ set, times }: Piece & { kind: 'chars' }, rest: Rest, chars: number): Rest {
  if (times === '1') return { steps: 1 + rest.steps, reject: 1, first: set };
  const most = times === '?' ? 1 : chars;
  // Where what follows cannot begin with a character of the loop, only one place to leave it leads on.
  const isDistinct = (set & rest.first) === 0n;
  const steps = isDistinct ? 1 + most * (1 + rest.reject) + rest.steps : 1 + most + (most + 1) * rest.steps;
  if (times === '+') return { steps, reject: 1, first: set };
  return { steps, reject: 1 + rest.reject, first: set | rest.first };
}

function alternatives(options: readonly (readonly Piece[])[], rest: Rest, chars: number): Rest {
  let first: CharSet = 0n;
  let isDistinct = true;
  let [sum, most, reject] = [0, 0, 0];
  for (const option of options) {
    const one = sequence(option, rest, chars);
    if ((first & one.first) !== 0n) isDistinct = false;
    first |= one.first;
    sum += one.steps;
    most = Math.max(most, one.steps);
    reject += one.reject;
  }
  // Where the next character tells the options apart, only one of them goes further than a look.
  return { steps: 1 + (isDistinct ? most + reject : sum), reject: 1 + reject, first };
}

// --- reading the pattern ----------------------------------------------------------------------------

interface Reader {
  readonly pattern: string;
  at: number;
}

function readPattern(pattern: string): readonly (readonly Piece[])[] | undefined {
  const reader: Reader = { pattern, at: 0 };
  const options = readOptions(reader, 0);
  return reader.at === pattern.length ? options : undefined;
}

/** Up to the end of the pattern or the parenthesis that closes the group. */
function readOptions(reader: Reader, depth: number): (readonly Piece[])[] | undefined {
  const options: (readonly Piece[])[] = [];
  let pieces: Piece[] = [];
  for (;;) {
    const c = reader.pattern[reader.at];
    if (c === undefined || c === ')' || c === '|') {
      options.push(pieces);
      if (c !== '|') return options;
      pieces = [];
      reader.at++;
      continue;
    }
    const piece = c === '(' ? readGroup(reader, depth) : readChars(reader);
    if (piece === undefined) return undefined;
    pieces.push(piece);
  }
}

function readGroup(reader: Reader, depth: number): Piece | undefined {
  const { pattern } = reader;
  reader.at++;
  if (pattern[reader.at] === '?') {
    if (pattern[reader.at + 1] !== ':') return undefined;
    reader.at += 2;
  }
  const options = depth < DEPTH_MAX ? readOptions(reader, depth + 1) : undefined;
  if (options === undefined || pattern[reader.at] !== ')') return undefined;
  reader.at++;
  const times = readTimes(reader);
  if (times === '1') return { kind: 'group', options };
  // A repeated group may repeat what is repeated in it. And JavaScript does not take an optional group that matches nothing.
  if (times !== '?' || options.some(isEmptyAllowed)) return undefined;
  return { kind: 'group', options: [...options, []] };
}

function isEmptyAllowed(pieces: readonly Piece[]): boolean {
  return pieces.every(piece =>
    piece.kind === 'group' ? piece.options.some(isEmptyAllowed) : piece.times === '?' || piece.times === '*',
  );
}

function readChars(reader: Reader): Piece | undefined {
  const set = readSet(reader);
  if (set === undefined) return undefined;
  const times = readTimes(reader);
  return times === undefined ? undefined : { kind: 'chars', set, times };
}

function readTimes(reader: Reader): '1' | '?' | '*' | '+' | undefined {
  const c = reader.pattern[reader.at];
  if (c !== '?' && c !== '*' && c !== '+') return c === '{' ? undefined : '1';
  reader.at++;
  // A lazy repetition tries the same places in another order.
  if (reader.pattern[reader.at] === '?') reader.at++;
  return /[?*+{]/.test(reader.pattern[reader.at] ?? '') ? undefined : c;
}

function readSet(reader: Reader): CharSet | undefined {
  const c = reader.pattern[reader.at] as string;
  reader.at++;
  if (c === '.') return ALL;
  if (c === '\\') return readEscape(reader, /[\\.^$|?*+()[\]{}/]/);
  if (c === '[') return readClass(reader);
  return '^$*+?{}]'.includes(c) ? undefined : plain(c);
}

function readClass(reader: Reader): CharSet | undefined {
  const isNegated = reader.pattern[reader.at] === '^';
  if (isNegated) reader.at++;
  // "[]a]" begins with a bracket in RE2, and is empty in JavaScript.
  if (reader.pattern[reader.at] === ']') return undefined;
  let set: CharSet = 0n;
  while (reader.pattern[reader.at] !== ']') {
    const one = readClassPart(reader);
    if (one === undefined) return undefined;
    set |= one;
  }
  reader.at++;
  return isNegated ? ALL ^ set : set;
}

/** One character, a range of them or an escape. */
function readClassPart(reader: Reader): CharSet | undefined {
  const { pattern } = reader;
  const from = readClassChar(reader);
  if (from === undefined || pattern[reader.at] !== '-' || pattern[reader.at + 1] === ']') return from;
  reader.at++;
  const to = readClassChar(reader);
  if (to === undefined) return undefined;
  const [low, high] = [codeOf(from), codeOf(to)];
  return low === undefined || high === undefined || low > high ? undefined : range(low, high);
}

function readClassChar(reader: Reader): CharSet | undefined {
  const c = reader.pattern[reader.at];
  reader.at++;
  if (c === undefined || c === '[' || c === ']') return undefined;
  return c === '\\' ? readEscape(reader, /[\\.^$|?*+()[\]{}/-]/) : plain(c);
}

function readEscape(reader: Reader, punctuation: RegExp): CharSet | undefined {
  const c = reader.pattern[reader.at] ?? '';
  reader.at++;
  if (c === 'd') return DIGITS;
  if (c === 'D') return ALL ^ DIGITS;
  if (c === 'w') return WORD;
  if (c === 'W') return ALL ^ WORD;
  const control = 'tnrf'.indexOf(c);
  if (c !== '' && control >= 0) return bit([9, 10, 13, 12][control] as number);
  return punctuation.test(c) ? plain(c) : undefined;
}

/** Characters beyond ASCII may be half of one: left to RE2. */
function plain(c: string): CharSet | undefined {
  const code = c.charCodeAt(0);
  return code < 128 ? bit(code) : undefined;
}

function bit(code: number): CharSet {
  return 1n << BigInt(code);
}

function range(low: number, high: number): CharSet {
  return (1n << BigInt(high + 1)) - (1n << BigInt(low));
}

/** The code of a set of one ASCII character. */
function codeOf(set: CharSet): number | undefined {
  if (set >= OTHERS || (set & (set - 1n)) !== 0n) return undefined;
  return set.toString(2).length - 1;
}
