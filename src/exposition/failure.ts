// Why a metrics page was refused, and where.

/** A page that cannot be read is refused whole: half a page would look like vanished series. */
export interface PageFailure {
  readonly code: 'exposition-bad-line' | 'exposition-bad-format';
  /** Action, quoted value, cause, with line and column in front. */
  readonly message: string;
  /** From 1; 0 where the failure is not about a line. */
  readonly line: number;
  readonly column: number;
  /** The line up to `EXCERPT_CHARS_MAX` characters, undecodable bytes replaced. */
  readonly excerpt: string;
}

/** Enough to recognise the line in a log; pages come from foreign programs and may be megabytes in one line. */
const EXCERPT_CHARS_MAX = 120;

const NEWLINE = 0x0a;

/** Makes the failure for byte `at` of a page. */
export function lineFailure(bytes: Uint8Array, at: number, cause: string): PageFailure {
  const end = Math.min(at, bytes.length);
  let line = 1;
  let lineStart = 0;
  for (let i = 0; i < end; i++) {
    if (bytes[i] === NEWLINE) {
      line++;
      lineStart = i + 1;
    }
  }
  const begin = bytes.subarray(lineStart, lineStart + EXCERPT_CHARS_MAX);
  const newline = begin.indexOf(NEWLINE);
  const excerpt = new TextDecoder().decode(newline < 0 ? begin : begin.subarray(0, newline));
  const column = at - lineStart + 1;
  const message = `line ${line}, column ${column}: Cannot read ${JSON.stringify(excerpt)}: ${cause}`;
  return { code: 'exposition-bad-line', message, line, column, excerpt };
}

/** Of a page without lines. */
export function pageFailure(cause: string): PageFailure {
  const message = `Cannot read the page: ${cause}`;
  return { code: 'exposition-bad-format', message, line: 0, column: 0, excerpt: '' };
}
