import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameHistogram } from '../../model/index.ts';
import { parseHistogram, printHistogram } from './histogram-notation.ts';
import { type NotedValue, parseValues } from './notation.ts';

function values(text: string): readonly NotedValue[] {
  const parsed = parseValues(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

describe('native histograms in series', () => {
  it('stand among floats, with blanks in them, and repeat', () => {
    const [one, gap, two, three, four, five] = values(
      '1 _ {{schema:1 sum:5 count:4 buckets:[1 2 1]}}+{{schema:1 count:1 buckets:[0 1]}}x1 {{}} stale',
    );
    expect([one, gap, five]).toEqual([1, 'missing', 'stale']);
    expect(two).toMatchObject({ schema: 1, count: 4, sum: 5, positiveCounts: Float64Array.of(1, 2, 1) });
    expect(three).toMatchObject({ count: 5, sum: 5, positiveCounts: Float64Array.of(1, 3, 1) });
    expect(four).toMatchObject({ count: 0, resetHint: 'unknown', positiveSpans: [] });
  });

  it.each([
    ['{{count:x}}', 'cannot read "count:x"'],
    ['{{colour:3}}', 'cannot read "colour:3"'],
    ['{{buckets:3}}', 'cannot read "buckets:3"'],
    ['{{counter_reset_hint:maybe}}', 'cannot read'],
    ['{{counter_reset_hint:constructor}}', 'cannot read'],
    ['{{count:1}', 'not a'],
    ['{{}}x99999999', 'more than'],
    ['{{}}+{{schema:-53}}x2', 'do not add up'],
  ])('%s is refused with its place', (text, reason) => {
    expect(parseValues(text)).toMatchObject({ ok: false, error: expect.stringContaining(reason) });
  });

  it('are printed as they are read', () => {
    const counts = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 6 });
    fc.assert(
      fc.property(counts, counts, fc.integer({ min: -9, max: 9 }), fc.nat(3), (up, down, offset, schema) => {
        const text = `{{schema:${schema} count:7 sum:-1.5 z_bucket:2 z_bucket_w:0.5 offset:${offset} buckets:[${up.join(' ')}] n_offset:${-offset} n_buckets:[${down.join(' ')}]}}`;
        const read = parseHistogram(text);
        const again = read.ok ? parseHistogram(printHistogram(read.value.histogram)) : read;
        expect(read.ok && again.ok && sameHistogram(read.value.histogram, again.value.histogram)).toBe(true);
      }),
    );
  });

  it('any text is read or refused', () => {
    const word = fc.constantFrom(
      '{{',
      '}}',
      '{',
      'count:',
      '1',
      '[',
      ']',
      ' ',
      'x',
      '+',
      '-',
      'buckets:',
      '_',
      'Inf',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), words => {
        parseValues(words.join(''));
      }),
    );
  });
});
