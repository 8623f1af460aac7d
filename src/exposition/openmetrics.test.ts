// OpenMetrics as a scrape takes it: entries, times, exemplars, refusals with their place, and foreign bytes.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatLabels, type MetricType } from '../model/index.ts';
import { OpenMetricsReader, parseOpenMetrics } from './index.ts';

const encoder = new TextEncoder();
const SEED = 20261124;

function read(text: string | Uint8Array): readonly string[] {
  const found: string[] = [];
  const type = (name: string, one: MetricType): number => found.push(`type ${name} ${one}`);
  const failure = parseOpenMetrics(typeof text === 'string' ? encoder.encode(text) : text, {
    sample: (labels, value, timeMs) =>
      found.push(`${formatLabels(labels)} ${value}${timeMs === undefined ? '' : ` @${timeMs}`}`),
    help: (name, help) => found.push(`help ${name} ${help}`),
    type,
    unit: (name, unit) => found.push(`unit ${name} ${unit}`),
    exemplar: ({ labels, value, timestampMs }) =>
      found.push(
        `  # ${formatLabels(labels)} ${value}${timestampMs === undefined ? '' : ` @${timestampMs}`}`,
      ),
  });
  if (failure !== undefined)
    found.push(`${failure.line}:${failure.column} ${failure.message.split(': ').at(-1)}`);
  return found;
}

describe('a page of OpenMetrics', () => {
  it('gives its families, samples, times in seconds and exemplars', () => {
    const page = [
      '# TYPE rpc_seconds histogram',
      '# UNIT rpc_seconds seconds',
      '# HELP rpc_seconds How \\"long\\"\\nit took.',
      'rpc_seconds_bucket{le="0.1"} 8 # {} 0.054',
      'rpc_seconds_bucket{le="+Inf"} 17 1520879607.789 # {trace_id="a\\"b"} 9.8 1520879607.7895',
      'rpc_seconds_created 1.5e9',
      '{"with.dot",a="b",} 3 -0.5',
      '# EOF',
      '',
    ].join('\n');
    expect(read(page)).toEqual([
      'type rpc_seconds histogram',
      'unit rpc_seconds seconds',
      'help rpc_seconds How "long"\nit took.',
      'rpc_seconds_bucket{le="0.1"} 8',
      '  # {} 0.054',
      'rpc_seconds_bucket{le="+Inf"} 17 @1520879607789',
      '  # {trace_id="a\\"b"} 9.8 @1520879607789',
      'rpc_seconds_created 1500000000',
      '{"with.dot", a="b"} 3 @-500',
    ]);
  });

  it.each([
    ['a 1\n', '2:1 the page does not end with "# EOF"'],
    ['a 1\n# EOF\na 2\n', '3:1 nothing may follow "# EOF"'],
    ['\n# EOF\n', '1:1 a metric name, "{" or "# " expected'],
    ['a  1\n# EOF\n', '1:3 a value expected'],
    ['a 1 NaN\n# EOF\n', '1:8 the timestamp is out of range'],
    ['a 1 1 1\n# EOF\n', '1:6 the end of the line or an exemplar (" # {") expected'],
    ['a{b="c"d="e"} 1\n# EOF\n', '1:8 "," or "}" expected after the label value'],
    ['a{ b="c"} 1\n# EOF\n', '1:3 a label name expected'],
    ['a 1 # {b} 1\n# EOF\n', '1:4 "=" expected after the label name'],
    ['# TYPE a untyped\n# EOF\n', '1:10 "untyped" is not a metric type'],
    ['# UNIT a seconds\n# EOF\n', '1:10 the metric name does not end with "_seconds"'],
    ['#TYPE a gauge\n# EOF\n', '1:1 "# HELP", "# TYPE", "# UNIT" or "# EOF" expected'],
    ['a{b="\n"} 1\n# EOF\n', '1:5 the quoted text does not end'],
  ])('%j is refused with its place', (page, problem) => {
    expect(read(page).at(-1)).toBe(problem);
  });

  it('never throws and always comes to an end, whatever the bytes are', () => {
    const good = encoder.encode('# TYPE a counter\na_total{b="c\\n"} 1 2.5 # {id="x"} 1 2\n{"é"} 1\n# EOF\n');
    const edit = fc.record({ at: fc.nat(good.length - 1), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 5 }), fc.nat(good.length), (edits, cut) => {
        const page = good.slice(0, good.length - (cut % 7));
        for (const { at, byte } of edits) if (at < page.length) page[at] = byte;
        const reader = new OpenMetricsReader(page);
        let entries = 0;
        for (;;) {
          const before = reader.position;
          const kind = reader.next();
          if (kind === 'end' || kind === 'failed') break;
          expect(reader.position).toBeGreaterThan(before);
          entries++;
        }
        expect(entries).toBeLessThanOrEqual(page.length);
        expect(() => read(page)).not.toThrow();
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });

  it.each([
    ['a line without end', `a{b="${'x'.repeat(5_000_000)}`],
    ['a million labels', `a{${'b="c",'.repeat(1_000_000)}} 1\n# EOF\n`],
    ['bytes that are no text', Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 7) % 256)],
  ])('%s is refused or read without going astray', (_, page) => {
    const found = read(page);
    expect(found).toHaveLength(1);
    expect((found[0] as string).length).toBeLessThan(1000);
  });
});
