// Our remarks on metrics beside Debian's promtool 2.42 (`promtool check metrics`): the same for every page of real
// exporters in the corpora that both can read, and for a page of our own that breaks every rule.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reviewMetrics } from '../../src/exposition/index.ts';
import { corporaRoot } from '../support/corpora.ts';

const BINARY = 'promtool';
/** Ours alone: 2.42 did not look for it. */
const NEWER = /metric not unique/;
/** With several units in a name promtool looks at any one of them, another one each time. */
const UNIT = /^use base unit /;
/** Exit code of promtool for a page that it can read and has remarks on. */
const REMARKS = 3;

const OWN = `
# TYPE a_counter counter
a_counter{le="1",fooBar="x"} 1
# HELP b_milliseconds_total x
# TYPE b_milliseconds_total gauge
b_milliseconds_total{quantile="1"} 1
# HELP c:camelCase_cnt_bucket y
# TYPE c:camelCase_cnt_bucket gauge
c:camelCase_cnt_bucket 1
d_ms_count 1
e_sum 2
# TYPE f_count gauge
f_count 2
# TYPE f_sum gauge
f_sum 2
# HELP kilobytes_x x
# TYPE kilobytes_x summary
kilobytes_x{quantile="0.5"} 1
kilobytes_x_sum 1
kilobytes_x_count 1
# TYPE h_histogram_x histogram
h_histogram_x_bucket{le="+Inf"} 1
h_histogram_x_sum 1
h_histogram_x_count 1
`;

function remarksOf(text: string): string[] | undefined {
  const ran = spawnSync(BINARY, ['check', 'metrics'], { input: text, encoding: 'utf8' });
  if (ran.status !== 0 && ran.status !== REMARKS) return undefined;
  return [...new Set(ran.stderr.split('\n').filter(line => line !== ''))].sort();
}

function comparable(lines: readonly string[]): string[] {
  return lines.filter(line => !NEWER.test(line) && !UNIT.test(line.slice(line.indexOf(' ') + 1))).sort();
}

describe('remarks on metrics, beside promtool', () => {
  const root = join(corporaRoot(), 'exposition');
  const paths = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
  let pages = 0;
  let remarks = 0;
  beforeAll(() => {
    const { error } = spawnSync(BINARY, ['--version']);
    if (error !== undefined) throw new Error(`${BINARY} is not here: apt-get install prometheus`);
  });
  afterAll(() => console.log(`promtool check metrics: ${pages} pages, ${remarks} remarks alike`));

  const check = (text: string): void => {
    const theirs = remarksOf(text);
    if (theirs === undefined) return;
    const { failure, problems } = reviewMetrics(new TextEncoder().encode(text), 'text');
    // Theirs reads what no scraper takes (a value without a blank before it): ours judges as the scraper does.
    if (failure !== undefined) return;
    const ours = comparable(problems.map(one => `${one.metric} ${one.text}`));
    expect(ours).toEqual(comparable(theirs));
    pages++;
    remarks += ours.length;
  };

  it('a page that breaks every rule', () => {
    check(OWN);
    expect(remarks).toBeGreaterThan(12);
    const units = reviewMetrics(new TextEncoder().encode(OWN), 'text').problems.filter(one =>
      UNIT.test(one.text),
    );
    expect(units.map(one => `${one.metric} ${one.text}`)).toEqual(
      remarksOf(OWN)?.filter(line => / use base unit /.test(line)),
    );
  });

  it.each(paths.map(path => [path.slice(root.length + 1), path]))('%s', (_, path) => {
    check(readFileSync(path, 'utf8'));
  });

  it('are compared for most pages', () => {
    expect(pages).toBeGreaterThan(paths.length / 2);
  });
});
