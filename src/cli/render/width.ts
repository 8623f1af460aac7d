// How many columns of a terminal a text takes, and texts cut and padded to columns.

const ASCII = /^[\x20-\x7e]*$/;

/** What Unicode's EastAsianWidth calls wide or fullwidth; emoji that are pictures by themselves are that too. */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18d08}\u{1aff0}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** Marks above and below, joiners, and the later letters of a Hangul syllable. */
const ZERO = /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff\ud7b0-\ud7fb]/u;
const PICTURE = /\p{Extended_Pictographic}|\p{Regional_Indicator}/u;
/** Asks for the coloured form of the character in front of it. */
const AS_PICTURE = '\ufe0f';

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

function graphemeWidth(grapheme: string): number {
  if (ASCII.test(grapheme)) return grapheme.length;
  if (grapheme.includes(AS_PICTURE)) return 2;
  let width = 0;
  for (const char of grapheme) width += ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  // A family, a flag or a hand with a colour is one picture of several characters.
  return PICTURE.test(grapheme) ? Math.min(width, 2) : width;
}

/** At most so many columns, with "…" where something is missing. */
export function cutText(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  if (columns <= 0) return '';
  let kept = '';
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += graphemeWidth(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

const INDENT = '    ';

/** Lines of at most so many columns, broken behind commas; only what has none is cut. */
export function wrapText(text: string, columns: number | undefined): readonly string[] {
  if (columns === undefined || textWidth(text) <= columns) return [text];
  const lines: string[] = [];
  let line = '';
  for (const piece of text.split(/(?<=, )/)) {
    if (line.trim() !== '' && textWidth((line + piece).trimEnd()) > columns) {
      lines.push(line);
      line = INDENT;
    }
    line += piece;
  }
  return [...lines, line].map(one => cutText(one.trimEnd(), columns));
}

export function padText(text: string, columns: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, columns - textWidth(text)));
  return align === 'left' ? text + blanks : blanks + text;
}

/** Line breaks, escape sequences and marks that turn the direction of writing, made visible: a label may hold anything. */
export function visible(text: string): string {
  return text.replace(UNSEEN, char => {
    const named = NAMED[char];
    if (named !== undefined) return named;
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** All but the two joiners, which make letters and pictures. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' };
