// The files of a plan: a watchkeeper.yml and its rules, as a person would write them.

import type { SimPlan } from './plan.ts';

export const CONFIG_PATH = '/etc/watchkeeper/watchkeeper.yml';
export const RULES_PATH = '/etc/watchkeeper/sim.rules.yml';
export const DATA_FOLDER = '/data';
export const HOOK_URL = 'http://hook.example.org/alert';
export const POSTS_URL = 'http://posts.example.org/alert';
/** A posted alert without an end stands so long. */
export const RESOLVE_TIMEOUT_MS = 90_000;
/** Minutes of every hour in which nobody is told of posted alerts of severity "info". */
export const MUTED_MINUTES: readonly (readonly [from: number, to: number])[] = [
  [4, 8],
  [34, 38],
];
export const GAUGE_LIMIT = 80;
/** The playbook's program. */
export const FIX = '/opt/fix';

/** What reloads change. */
export interface Variant {
  readonly groupIntervalMs: number;
  /** Whether the hook's route matches by its own entry, or is the root's receiver alone. */
  readonly ownHookRoute: boolean;
  readonly targets: number;
}

export function firstVariant(plan: SimPlan): Variant {
  return { groupIntervalMs: plan.groupIntervalMs, ownHookRoute: false, targets: plan.targets };
}

export type Change = 'timing' | 'route' | 'fewer-targets' | 'back';

export function changedVariant(plan: SimPlan, variant: Variant, change: Change): Variant {
  switch (change) {
    case 'timing':
      return { ...variant, groupIntervalMs: variant.groupIntervalMs === 20_000 ? 40_000 : 20_000 };
    case 'route':
      return { ...variant, ownHookRoute: !variant.ownHookRoute };
    case 'fewer-targets':
      return { ...variant, targets: Math.max(1, variant.targets - 1) };
    case 'back':
      return firstVariant(plan);
  }
}

export function instanceOf(target: number): string {
  return `t${target}.example.org:9100`;
}

/** Both ways out get every alert: the hook at once, the mail only after recovery could not help. */
export function configText(plan: SimPlan, variant: Variant): string {
  const { playbook } = plan;
  const instances = Array.from({ length: variant.targets }, (_, i) => `'${instanceOf(i)}'`).join(', ');
  const steps = Array.from(
    { length: playbook.steps },
    (_, i) =>
      `        - name: step${i}
          idempotent: ${playbook.idempotent}
          command: { argv: ['${FIX}', '$labels.instance', '${i}'], timeout: 10s }`,
  ).join('\n');
  const hookRoute = variant.ownHookRoute ? `\n    - matchers: ['job="sim"']\n      receiver: hook` : '';
  return `global:
  scrape_interval: ${plan.scrapeMs}ms
  scrape_timeout: 3s
  evaluation_interval: ${plan.evaluationMs}ms
  smtp_smarthost: mail.example.org:25
  smtp_from: watchkeeper@example.org
  smtp_require_tls: false
  resolve_timeout: ${RESOLVE_TIMEOUT_MS}ms
host: { enabled: false }
${plan.noDataUnknown ? 'no_data_default: unknown\n' : ''}scrape_configs:
  - job_name: sim
    static_configs:
      - targets: [${instances}]
rule_files: [sim.rules.yml]
route:
  receiver: hook
  group_by: [${plan.groupBy.join(', ')}]
  group_wait: ${plan.groupWaitMs}ms
  group_interval: ${variant.groupIntervalMs}ms
  repeat_interval: ${plan.repeatMs}ms
  routes:
    - matchers: ['job="sim"']
      receiver: mail
      notify: after_recovery_failed
      continue: true${hookRoute === '' ? `\n    - matchers: ['job=~"sim|other"']\n      receiver: hook` : hookRoute}
    - matchers: ['job="posted"', 'severity="info"']
      receiver: posts
      group_by: [zone]
      mute_time_intervals: [muted]
    - matchers: ['job="posted"']
      receiver: posts
      group_by: [zone]
inhibit_rules:
  - name: critical over warning
    source_matchers: ['job="posted"', 'severity="critical"']
    target_matchers: ['job="posted"', 'severity="warning"']
    equal: [zone]
time_intervals:
  - name: muted
    time_intervals:
      - times: [${mutedTimes()}]
receivers:
  - name: posts
    webhook_configs:
      - url: ${POSTS_URL}
  - name: hook
    webhook_configs:
      - url: ${HOOK_URL}
  - name: mail
    email_configs:
      - to: duty@example.org
        send_resolved: true
        html: ''
        text: |
          {{ .GroupKey }}
          {{ range .Alerts }}{{ .Status }} {{ .Fingerprint }} {{ .StartsAt.UnixMilli }} {{ .EndsAt.UnixMilli }}
          {{ end }}
recovery:
  playbooks:
    - name: fix
      match: ['alertname="${playbook.alert}"']
      guard:
        max_attempts: ${playbook.attemptsMax}
        cool_down: ${playbook.coolDownMs}ms
        max_concurrent: ${playbook.concurrentMax}
      steps:
${steps}
      verify: { within: ${playbook.withinMs}ms, interval: 2s }
`;
}

function mutedTimes(): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Array.from({ length: 24 }, (_, hour) => hour);
  return hours
    .flatMap(hour =>
      MUTED_MINUTES.map(
        ([from, to]) => `{start_time: '${two(hour)}:${two(from)}', end_time: '${two(hour)}:${two(to)}'}`,
      ),
    )
    .join(', ');
}

export type BadConfig = 'yaml' | 'unknown-key' | 'rule';

/** A file that must not be taken, and where it stands. */
export function badFile(
  plan: SimPlan,
  variant: Variant,
  how: BadConfig,
): { readonly path: string; readonly text: string } {
  const good = configText(plan, variant);
  switch (how) {
    case 'yaml':
      return { path: CONFIG_PATH, text: `${good}\n  - [` };
    case 'unknown-key':
      return { path: CONFIG_PATH, text: good.replace('group_wait', 'group_weight') };
    case 'rule':
      return { path: RULES_PATH, text: rulesText(plan).replace('sim_gauge >', 'sim_gauge >>') };
  }
}

export function rulesText(plan: SimPlan): string {
  return `groups:
  - name: sim
    rules:
      - alert: TargetDown
        expr: up{job="sim"} == 0
        for: ${plan.downForMs}ms
        labels: { severity: critical }
        annotations: { summary: '{{ $labels.instance }} is down' }
      - record: sim:gauge:max
        expr: max(sim_gauge)
  - name: gauges
    rules:
      - alert: GaugeHigh
        expr: sim_gauge > ${GAUGE_LIMIT}
        for: ${plan.highForMs}ms
        labels: { severity: warning }
        annotations: { summary: 'gauge of {{ $labels.instance }} is {{ $value }}' }
`;
}
