import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PushedSeries } from './series-table.ts';

/** Names as senders have them: neighbours that differ in the middle, at an end, in length, or not at all. */
const series = fc
  .tuple(
    fc.constantFrom('', 'a', 'up', 'http_requests_total', 'http_requests_bucket'),
    fc.constantFrom('', '0', '1', '17', 'x'.repeat(300)),
    fc.constantFrom('', 'host-1', 'host-22', 'ä'),
  )
  .map(parts => parts.join('|'));

/** Beyond what two bytes count. */
const long = fc.constantFrom('y'.repeat(70_000), `y${'y'.repeat(69_999)}z`, `z${'y'.repeat(70_000)}`);

const request = fc.array(fc.oneof({ weight: 40, arbitrary: series }, { weight: 1, arbitrary: long }), {
  maxLength: 60,
});

/** Sends the texts of one request; in memory that is written over afterwards. */
function send(
  table: PushedSeries,
  texts: readonly string[],
  entryOf: Map<string, number>,
  isKept: (text: string) => boolean,
): void {
  const places: { readonly from: number; readonly to: number }[] = [];
  const whole = Buffer.from(texts.join(''));
  let at = 0;
  for (const text of texts) {
    const from = at;
    at += Buffer.byteLength(text);
    places.push({ from, to: at });
  }
  const bytes = new Uint8Array(3 + whole.length);
  bytes.set(whole, 3);
  const view = new DataView(bytes.buffer, 3);
  table.begin();
  texts.forEach((text, i) => {
    const { from, to } = places[i] as { from: number; to: number };
    const found = table.find(view, from, to);
    expect(found).toBe(entryOf.get(text) ?? -1);
    if (found < 0 && isKept(text)) entryOf.set(text, table.add(view, from, to));
  });
  bytes.fill(0x79);
}

describe('the series that senders have named', () => {
  it('are found by exactly their own bytes, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 8 }), fc.integer(), (requests, seed) => {
        const table = new PushedSeries(seed);
        const entryOf = new Map<string, number>();
        for (const texts of requests) send(table, texts, entryOf, text => text.length % 7 !== 3);
        expect(new Set(entryOf.values()).size).toBe(entryOf.size);
      }),
    );
  });

  it('thousands of them, again in the same order, backwards, and each second one', () => {
    const table = new PushedSeries(7);
    const entryOf = new Map<string, number>();
    const texts = Array.from(
      { length: 5000 },
      (_, i) => `metric_${i % 20}{host="host-${Math.floor(i / 20)}"}`,
    );
    for (const order of [texts, texts, texts.toReversed(), texts.filter((_, i) => i % 2 === 0)])
      send(table, order, entryOf, () => true);
    expect(table.count).toBe(5000);
  });
});
