// What Prometheus reads and the published grammar does not: "5." and "5.e3", 0x1_0, STEP() in capitals, min_of(a, b) and
// max_of(a, b) as functions, and a metric whose name is "offset". Such text is rewritten to something of the same length
// that the grammar does read, so that spans stay true; the builder takes names and numbers from the original text.

const TOKEN =
  /"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?|`[^`]*`?|#[^\n]*|[a-zA-Z_:][\w:]*|0[xX][0-9a-fA-F_]+|\d[\d_]*\.\d[\d_]*(?:[eE][+-]?\d+)?|\.\d+|\d[\d_]*\.(?:[eE][+-]?\d+)?(?![\w.])|\s+|[\s\S]/g;

/** A function of the grammar that has as many letters as min_of and max_of. */
const SIX_LETTER_FUNCTION = 'scalar';

export function adaptDialect(original: string, offsetNames: readonly number[]): string {
  const text = withoutOffsetNames(original, offsetNames);
  if (!/\d\.(?!\d)|0x|step|range|min_of|max_of/i.test(text)) return text;
  const tokens = text.match(TOKEN) ?? [];
  const context = new DurationContext();
  return tokens
    .map((token, i) => {
      const called = /^\s*\(/.test((tokens[i + 1] ?? '') + (tokens[i + 2] ?? ''));
      const inDuration = context.next(token);
      if (/^\d[\d_]*\.([eE][+-]?\d+)?$/.test(token)) return token.replace('.', '0');
      if (/^0x/i.test(token)) return token.replaceAll('_', '0').toLowerCase();
      if (!called || !/^(step|range|min_of|max_of)$/i.test(token)) return token;
      if (/_of$/i.test(token) && !inDuration) return SIX_LETTER_FUNCTION;
      return token.toLowerCase();
    })
    .join('');
}

function withoutOffsetNames(text: string, offsetNames: readonly number[]): string {
  const starts = [0, ...offsetNames.map(at => at + 'offset'.length)];
  return starts.map((start, i) => text.slice(start, offsetNames[i])).join('offse_');
}

/** Follows whether a token stands in brackets or in the duration behind `offset`. */
class DurationContext {
  #brackets = 0;
  #parens = 0;
  /** Depth of parentheses at which `offset` was read, or -1. */
  #offsetAt = -1;

  next(token: string): boolean {
    if (/^\s+$|^#/.test(token)) return this.#inside();
    if (this.#offsetAt === this.#parens && !/^(?:[+\-(]|step|range|min_of|max_of)$/i.test(token)) {
      this.#offsetAt = -1;
    }
    if (token === '[') this.#brackets++;
    else if (token === ']') this.#brackets--;
    else if (token === '(') this.#parens++;
    else if (token === ')') {
      this.#parens--;
      if (this.#parens <= this.#offsetAt) this.#offsetAt = -1;
    } else if (/^offset$/i.test(token) && this.#offsetAt < 0) this.#offsetAt = this.#parens;
    return this.#inside();
  }

  #inside(): boolean {
    return this.#brackets > 0 || this.#offsetAt >= 0;
  }
}
