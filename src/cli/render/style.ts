// Colour, or none.

export interface Style {
  readonly isColoured: boolean;
  dim(text: string): string;
  bold(text: string): string;
  bad(text: string): string;
  good(text: string): string;
  /** The colour of the series so many in a plot. */
  series(index: number, text: string): string;
}

/** Cyan, yellow, magenta, green, blue, red: readable on dark and on light. */
const SERIES_COLOURS = [36, 33, 35, 32, 34, 31];

export function styleOf(isColoured: boolean): Style {
  const paint = (code: number, text: string): string =>
    isColoured && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text;
  return {
    isColoured,
    dim: text => paint(2, text),
    bold: text => paint(1, text),
    bad: text => paint(31, text),
    good: text => paint(32, text),
    series: (index, text) => paint(SERIES_COLOURS[index % SERIES_COLOURS.length] ?? 0, text),
  };
}
