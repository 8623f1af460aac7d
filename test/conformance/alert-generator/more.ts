// What the suite's own rule groups do not show: labels that collide, equal alerts, defaults, other forms of the file.

import type { RuleGroupJson } from '../../../src/api/contract.ts';
import { createQueryEngine } from '../../../src/promql/index.ts';
import { MemoryStore, type ReadRulesOutcome, readRules } from '../../../src/rules/index.ts';
import { FakeClock } from '../../support/clock.ts';
import type { SeriesSeen } from './observe.ts';
import { type SentAlert, startWorld } from './world.ts';

/** Variables and functions of the template reference; the second list need not be supported, and is. */
export const TEMPLATES: Readonly<Record<string, readonly (readonly [template: string, text: string])[]>> = {
  needed: [
    ['{{ $labels.instance }} {{ .Labels.instance }}', 'a a'],
    ['{{ $value }} {{ .Value }}', '7 7'],
    ['{{ with query "other" }}{{ . | first | value }}{{ end }}', '3'],
    ['{{ query "other" | first | label "kind" }}', 'asked'],
    ['{{ range query "other" | sortByLabel "kind" }}{{ .Labels.kind }}={{ .Value }};{{ end }}', 'asked=3;'],
    ['{{ humanize 1234567.0 }}', '1.235M'],
    ['{{ humanize1024 1048576.0 }}', '1Mi'],
    ['{{ humanizeDuration 899.99 }}', '14m 59s'],
    ['{{ humanizePercentage 0.1234 }}', '12.34%'],
    ['{{ humanizeTimestamp 1435065584.128 }}', '2015-06-23 13:19:44.128 +0000 UTC'],
    ['{{ title "aa bb" }} {{ toUpper "aa" }} {{ toLower "AA" }}', 'Aa Bb AA aa'],
    ['{{ match "a.*" "abc" }} {{ reReplaceAll "(a)(b)" "$2$1" "ab" }}', 'true ba'],
    ['{{ stripPort "localhost:90" }} {{ parseDuration "1h2m" }}', 'localhost 3720'],
    ['{{ with args 1 "two" }}{{ .arg0 }} {{ .arg1 }}{{ end }}', '1 two'],
    ['{{ define "x" }}<{{ . }}>{{ end }}{{ template "x" "y" }}', '<y>'],
    ['{{ printf "%.2f|%5s|%q" .Value "a" "b" }}', '7.00|    a|"b"'],
    ['{{ if and (eq .Value 7.0) (lt 1 2) }}yes{{ else }}no{{ end }}', 'yes'],
    ['{{ range $i, $v := query "other" }}{{ if eq $i 1 }}{{ break }}{{ end }}{{ $v.Value }}{{ end }}', '3'],
    ['{{ $x := "a" }}{{ $x = "b" }}{{ $x | len }}{{- /* none */ -}}', '1'],
  ],
  optional: [
    ['{{ graphLink "up" }} {{ tableLink "up" }}', '/graph?g0.expr=up&g0.tab=0 /graph?g0.expr=up&g0.tab=1'],
    ['{{ safeHtml "<b>" }}', '<b>'],
    ['{{ define "y" }}{{ . }}{{ end }}{{ tmpl "y" 1 }}', '1'],
    ['{{ pathPrefix }}', ''],
    ['{{ range query "other" }}{{ strvalue . }}{{ end }}', ''],
    ['{{ $externalLabels.replica }} {{ .ExternalLabels.replica }}', 'one one'],
    ['{{ $externalURL }} {{ .ExternalURL }} {{ externalURL }}', 'http://am http://am http://am'],
  ],
};

const annotations = Object.values(TEMPLATES)
  .flat()
  .map(([template], i) => `      a${i}: '${template.replaceAll("'", "''")}'`)
  .join('\n');

const RULES = `
groups:
- name: Labels
  interval: 30s
  rules:
  - alert: Named
    expr: m{kind="named"}
    labels: { severity: 'page-{{ $labels.severity }}', alertname: mine, alertstate: mine }
  - alert: Twice
    expr: m{kind="twice"}
    labels: { instance: same }
  - alert: Templates
    expr: m{kind="templates"}
    annotations:
${annotations}
- name: Default
  rules:
  - alert: Slow
    expr: m{kind="templates"} > 1e9
`;

export interface More {
  readonly labels: RuleGroupJson;
  readonly byDefault: RuleGroupJson;
  readonly series: readonly SeriesSeen[];
  readonly sent: readonly SentAlert[];
  /** The annotations of "Templates", in the order of TEMPLATES. */
  readonly expanded: readonly string[];
  readonly resendDelayMs: number;
}

export async function observeMore(): Promise<More> {
  const config =
    'rules: { resend_delay: 20s }\nglobal: { external_labels: { replica: one } }\nweb: { external_url: "http://am" }\n';
  const world = await startWorld(RULES, config);
  const m = (labels: Readonly<Record<string, string>>, value = 7) => ({
    labels: { __name__: 'm', ...labels },
    value,
  });
  const evaluate = async (): Promise<void> => {
    await world.push([
      m({ kind: 'named', alertname: 'other', alertstate: 'very_critical', severity: 'low' }),
      m({ kind: 'twice', instance: 'a' }),
      m({ kind: 'twice', instance: 'b' }),
      m({ kind: 'templates', instance: 'a' }),
      { labels: { __name__: 'other', kind: 'asked' }, value: 3 },
    ]);
    await world.untilNext('Labels', 30_000);
  };
  await evaluate();
  for (let i = 0; i < 4; i++) await evaluate();
  const series = await world.query('ALERTS');
  const labels = await world.group('Labels');
  const byDefault = await world.group('Default');
  const shown = (await world.alerts()).find(one => one.labels['alertname'] === 'Templates');
  const expanded = Object.values(TEMPLATES)
    .flat()
    .map((_, i) => shown?.annotations[`a${i}`] ?? '');
  await world.stop();
  if (series.resultType !== 'vector') throw new Error('a vector expected');
  return {
    labels,
    byDefault,
    series: series.result.map(({ metric }) => ({ labels: metric, samples: [] })),
    sent: world.sent,
    expanded,
    resendDelayMs: 20_000,
  };
}

/** Reads a rule file of the given text. */
export function load(text: string): ReadRulesOutcome {
  const { prepare } = createQueryEngine({ reader: new MemoryStore(), clock: new FakeClock() });
  return readRules(text, { file: 'rules.yaml', prepare });
}
