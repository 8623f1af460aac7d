// Alertmanager's own table of time intervals: which instants lie inside, read from its corpus.

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TimeIntervals } from '../../src/alerting/time-intervals.ts';
import { list, parseDocument, readDocument, timeIntervalSpec } from '../../src/config/index.ts';
import { describeCorpus, readJsonLines, reportCases } from '../support/corpora.ts';

interface Row {
  readonly n: number;
  readonly yaml: string;
  readonly kind: string;
  readonly ok: boolean;
  /** As "27 Jan 21 09:00 +0000". */
  readonly contains?: readonly string[] | null;
  readonly excludes?: readonly string[] | null;
}

describeCorpus('alertmanager/tables', folder => {
  const rows = readJsonLines<Row>(join(folder, 'time-intervals.jsonl')).filter(
    row => row.ok && (row.kind === 'list' || row.kind === 'one'),
  );

  it(`time-intervals: the instants of ${rows.length} rows are inside or outside`, () => {
    let instants = 0;
    for (const row of rows) {
      const document = parseDocument(row.yaml, 'interval.yml');
      const read = readDocument(document, row.kind === 'list' ? list(timeIntervalSpec) : single);
      if (read.value === undefined) throw new Error(`row ${row.n} cannot be read`);
      const intervals = new TimeIntervals([{ name: 'x', intervals: read.value }]);
      for (const [inside, texts] of [
        [true, row.contains ?? []],
        [false, row.excludes ?? []],
      ] as const) {
        for (const text of texts) {
          instants += 1;
          expect(intervals.contains('x', Date.parse(text)), `row ${row.n}: ${text}\n${row.yaml}`).toBe(
            inside,
          );
        }
      }
    }
    expect(instants).toBeGreaterThan(10);
    reportCases('alertmanager/tables/time-intervals', { files: 1, cases: instants });
  });
});

const single = {
  says: timeIntervalSpec.says,
  read: (...args: Parameters<typeof timeIntervalSpec.read>) => {
    const read = timeIntervalSpec.read(...args);
    return typeof read === 'symbol' ? read : [read];
  },
};
