// The demo's configuration: a real one, only with short times.

import { fileURLToPath } from 'node:url';

export const ACT_ALERT = 'VictimDown';
export const TEAM_MAIL = 'team@example.org';
export const DUTY_SMS = '13800000000@sms.example.org';

export interface DemoSetting {
  readonly victim: { readonly port: number; readonly pidFile: string; readonly program: URL };
  readonly nodePath: string;
  readonly mailPort: number;
  /** Whether the playbook's action restarts the victim, or fails. */
  readonly works: boolean;
}

export function demoConfig(setting: DemoSetting): string {
  const { victim, works } = setting;
  const restart = [
    setting.nodePath,
    fileURLToPath(victim.program),
    'start',
    String(victim.port),
    victim.pidFile,
  ];
  const broken = [
    setting.nodePath,
    '-e',
    'console.error("unit victim.service: start request repeated too quickly"); process.exit(3)',
  ];
  return `global:
  scrape_interval: 1s
  scrape_timeout: 900ms
  evaluation_interval: 1s
  smtp_smarthost: 127.0.0.1:${setting.mailPort}
  smtp_from: watchkeeper@example.org
  smtp_require_tls: false
host:
  enabled: false
scrape_configs:
  - job_name: victim
    static_configs:
      - targets: ['127.0.0.1:${victim.port}']
rule_files: [demo.rules.yml]
route:
  receiver: team-mail
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 1h
  routes:
    - matchers: ['on_duty="yes"']
      receiver: duty-sms
      notify: after_recovery_failed
      continue: true
    - matchers: ['alertname="${ACT_ALERT}"']
      receiver: team-mail
receivers:
  - name: team-mail
    email_configs:
      - to: ${TEAM_MAIL}
        send_resolved: true
  - name: duty-sms
    email_configs:
      - to: ${DUTY_SMS}
        html: ''
        text: '{{ .CommonAnnotations.summary }}. {{ .RecoveryReport }}'
recovery:
  playbooks:
    - name: ${works ? 'restart-victim' : 'restart-victim-broken'}
      match: ['alertname="${ACT_ALERT}"']
      guard: { max_attempts: 1, cool_down: 5s }
      steps:
        - name: restart
          command:
            argv: ${JSON.stringify(works ? restart : broken)}
            timeout: 10s
      verify: { within: 10s, interval: 500ms }
`;
}

export function demoRules(): string {
  return `groups:
  - name: demo
    rules:
      - alert: ${ACT_ALERT}
        expr: up{job="victim"} == 0
        for: 2s
        labels: { severity: critical, on_duty: 'yes' }
        annotations:
          summary: 'The victim at {{ $labels.instance }} is down'
`;
}
