// Pages of real exporters, and the tables of Prometheus's own tests for bad pages and for relabelling.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import {
  compileRelabelRules,
  parseOpenMetrics,
  parseText,
  printSample,
  RELABEL_DEFAULTS,
  type RelabelAction,
  relabel,
  reviewMetrics,
} from '../../src/exposition/index.ts';
import { type Labels, labelsFrom, labelsToRecord } from '../../src/model/index.ts';
import { describeCorpus, readJsonLines, reportCases } from '../support/corpora.ts';

interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly timeMs: number | undefined;
}

function samplesOf(bytes: Uint8Array, parse = parseText): { samples: Sample[]; error: string } {
  const samples: Sample[] = [];
  const failure = parse(bytes, {
    sample: (labels, value, timeMs) => samples.push({ labels, value, timeMs }),
  });
  return { samples, error: failure?.message ?? '' };
}

/** OpenMetrics, likewise: blanks are single, and an exemplar may follow. */
function plainOpenMetricsValues(text: string): string[] {
  return text
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => /^[^{ ]*(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})? ([^ ]+)/.exec(line)?.[1] ?? `? ${line}`);
}

/** A second, much simpler opinion on how many samples and which values a page has. */
function plainValues(text: string): string[] {
  return text
    .split('\n')
    .filter(line => line.trim() !== '' && !line.trimStart().startsWith('#'))
    .map(line => /^(?:[^{\s]+)?\s*(?:\{.*\})?\s*([^\s{}]+)(?:\s+\d+)?\s*$/.exec(line)?.[1] ?? `? ${line}`);
}

const encoder = new TextEncoder();
/** OpenMetrics, protobuf, and documents about pages rather than pages. */
const OTHER_FORMATS = /^(telegraf_openmetrics|prometheus_common|LICENSES)\/|README|\.om\.txt$|\.pb$/;
/** What the corpus' README names as refused by promtool for good: CR LF lines, and a byte-order mark. */
const REFUSED = /docs_metrics\.txt$|windows_exporter\/e2e-output\.txt$/;

function checkPages(folder: string, wanted: (path: string) => boolean): void {
  describeCorpus(folder, root => {
    let files = 0;
    let cases = 0;
    const paths = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
      .filter(path => wanted(path));
    for (const path of paths) {
      it(path, () => {
        const bytes = readFileSync(join(root, path));
        const { samples, error } = samplesOf(bytes);
        files++;
        cases += samples.length;
        if (REFUSED.test(path)) {
          expect(error).toMatch(/^line 1, column \d+: |is not a metric type/);
          return;
        }
        expect(error).toBe('');
        const values = plainValues(bytes.toString('utf8'));
        expect(samples.map(sample => sample.value)).toEqual(
          values.map(value => Number(value.replace('Inf', 'Infinity'))),
        );
        const printed = samples.map(s => printSample(s.labels, s.value, s.timeMs)).join('');
        expect(samplesOf(encoder.encode(printed)).samples).toEqual(samples);
      });
    }
    afterAll(() => reportCases(`exposition ${folder}`, { files, cases }));
  });
}

/** Pages of OpenMetrics by their last line; those that lack it are no OpenMetrics, whatever they are called. */
function checkOpenMetricsPages(folder: string): void {
  describeCorpus(folder, root => {
    let files = 0;
    let cases = 0;
    const paths = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && !entry.name.endsWith('.pb'))
      .map(entry => join(entry.parentPath, entry.name))
      .filter(path => /\n# EOF\n?$/.test(readFileSync(path, 'latin1').slice(-8)));
    it.each(paths.map(path => [path.slice(root.length + 1), path]))('OpenMetrics %s', (_, path) => {
      const bytes = readFileSync(path);
      const { samples, error } = samplesOf(bytes, parseOpenMetrics);
      files++;
      cases += samples.length;
      expect(error).toBe('');
      expect(samples.map(sample => sample.value)).toEqual(
        plainOpenMetricsValues(bytes.toString('utf8')).map(value => Number(value.replace('Inf', 'Infinity'))),
      );
    });
    afterAll(() => reportCases(`OpenMetrics ${folder}`, { files, cases }));
  });
}

checkOpenMetricsPages('exposition');
checkOpenMetricsPages('prometheus/textparse');

checkPages('exposition', path => !OTHER_FORMATS.test(path));
checkPages('prometheus/textparse', path => path.endsWith('.prom.txt'));

describeCorpus('prometheus/tables', root => {
  interface TextCase {
    readonly n: number;
    readonly format: string;
    readonly input?: string;
    readonly input_hex?: string;
    readonly ok: boolean;
  }
  const textCases = readJsonLines<TextCase>(join(root, 'text-parse.jsonl'));
  it.each(textCases)('text-parse $n, $format: $input', one => {
    const bytes = one.input_hex === undefined ? encoder.encode(one.input) : Buffer.from(one.input_hex, 'hex');
    expect(['prometheus-text', 'openmetrics']).toContain(one.format);
    const parse = one.format === 'openmetrics' ? parseOpenMetrics : parseText;
    expect(samplesOf(bytes, parse).error === '').toBe(one.ok);
  });

  interface RelabelCase {
    readonly n: number;
    readonly input: Record<string, string>;
    readonly relabel_configs: readonly {
      readonly action?: RelabelAction;
      readonly source_labels?: readonly string[];
      readonly separator?: string;
      readonly regex?: string;
      readonly modulus?: number;
      readonly target_label?: string;
      readonly replacement?: string;
    }[];
    readonly output?: Record<string, string>;
    readonly drop?: boolean;
  }
  const relabelCases = readJsonLines<RelabelCase>(join(root, 'relabel.jsonl'));
  it.each(relabelCases)('relabel $n', one => {
    const rules = compileRelabelRules(
      one.relabel_configs.map(rule => ({
        action: rule.action ?? RELABEL_DEFAULTS.action,
        sourceLabels: rule.source_labels ?? [],
        separator: rule.separator ?? RELABEL_DEFAULTS.separator,
        regex: rule.regex ?? RELABEL_DEFAULTS.regex,
        modulus: rule.modulus ?? 0,
        targetLabel: rule.target_label ?? '',
        replacement: rule.replacement ?? RELABEL_DEFAULTS.replacement,
      })),
    );
    if (!rules.ok) throw new Error(rules.error);
    const out = relabel(labelsFrom(one.input), rules.value);
    expect(out === undefined ? 'drop' : { ...labelsToRecord(out) }).toEqual(
      one.drop === true ? 'drop' : one.output,
    );
  });
  afterAll(() =>
    reportCases('prometheus/tables', { files: 2, cases: textCases.length + relabelCases.length }),
  );
});

describeCorpus('prometheus/promtool', folder => {
  interface Row {
    readonly file: string;
    readonly kind: string;
    readonly ok?: boolean;
    readonly note?: string;
  }
  const rows = readJsonLines<Row>(join(folder, 'expected.jsonl')).filter(row => row.kind === 'check-metrics');
  afterAll(() => reportCases('promtool check metrics', { files: rows.length, cases: rows.length }));
  it('has pages', () => expect(rows.length).toBeGreaterThan(0));
  it.each(rows)('check metrics $file', ({ file, ok, note = '' }) => {
    const { failure, families } = reviewMetrics(readFileSync(join(folder, file)), 'text');
    expect(failure === undefined).toBe(ok);
    const [, all = '', told = ''] = /^(\d+) series: (.*?) \(/.exec(note) ?? [];
    expect(families.reduce((sum, { series }) => sum + series, 0)).toBe(Number(all));
    expect(families.map(({ metric, series }) => `${metric} ${series}`)).toEqual(told.split(', '));
  });
});
